import { createHeldBytes, type HeldBytes } from "./held-bytes.ts";
import type { JsonValue } from "./json-value.ts";
import { clipKey } from "./key.ts";
import { createKeySet, type KeySet } from "./key-set.ts";
import {
  defaultReadLimits,
  type ItemProblem,
  type ItemReader,
  itemOf,
  type ReadItem,
  type ReadLimits,
} from "./read-item.ts";
import { type JsonFault, readStrictJson } from "./strict-json.ts";
import { decodeUtf8 } from "./utf8.ts";

/** Where in the object the next byte stands. The last four hold text that goes on. */
type Place = "start" | "firstKey" | "nextKey" | "colon" | "value" | "comma" | "done" | "stopped" | TextPlace;
type TextPlace = "keyText" | "scalar" | "string" | "nested";

const expectedAt: Readonly<Record<Exclude<Place, "stopped">, string>> = {
  start: 'an object "{"',
  firstKey: 'a key in double quotes or "}"',
  nextKey: "a key in double quotes",
  colon: '":"',
  value: "a value",
  comma: '"," or "}"',
  done: "the end of the file",
  keyText: "the closing quote of a key",
  scalar: "the rest of a value",
  string: "the closing quote of a value",
  nested: "the closing bracket of a value",
};

const byteOrderMark = [0xef, 0xbb, 0xbf];
const newline = 0x0a;
const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const closeBracket = 0x5d;
const closeBrace = 0x7d;

/**
 * Reads one JSON object of key to value, without ever holding more than one value's text. A fault in a value (a repeated
 * key, a lossy number, its size) is a problem and the next item is read; after a syntax fault, a truncated object, bytes
 * after the object, or more than `objectBytesMax` (64 MiB), there is one problem and no more items.
 * Limits default to `defaultReadLimits`. Problems are INVALID_JSON, INVALID_ITEM, DUPLICATE_KEY and LIMIT_EXCEEDED.
 */
export function createObjectReader(limits: Partial<ReadLimits> = {}): ItemReader {
  const tokenizer = new ObjectTokenizer({ ...defaultReadLimits, ...limits });
  return { push: (chunk) => tokenizer.push(chunk), end: () => tokenizer.end() };
}

/** Finds where keys and values begin and end, byte by byte; what stands between is parsed by the strict parser. */
class ObjectTokenizer {
  private readonly limits: ReadLimits;
  private readonly seen: KeySet = createKeySet();
  private readonly keyText: HeldBytes;
  private readonly valueText: HeldBytes;
  private items: ReadItem[] = [];
  private place: Place = "start";
  private offset = 0;
  private line = 1;
  private marked = 0;
  /** Inside of a string, after a backslash. */
  private escaped = false;
  /** Inside of a string of a nested value. */
  private quoted = false;
  private depth = 0;
  private keyLine = 1;
  /** Undefined where the key itself is the problem, which has been reported. */
  private key: string | undefined;

  constructor(limits: ReadLimits) {
    this.limits = limits;
    // Each byte of a key may be written as an escape of six.
    this.keyText = createHeldBytes(limits.keyBytesMax * 6 + 2);
    this.valueText = createHeldBytes(limits.lineBytesMax);
  }

  push(chunk: Uint8Array): readonly ReadItem[] {
    this.items = [];
    const room = this.limits.objectBytesMax - this.offset;
    this.readBytes(chunk.length > room ? chunk.subarray(0, room) : chunk);
    if (chunk.length > room && this.place !== "stopped") {
      const reason = `expected an object of at most ${this.limits.objectBytesMax} bytes, came a longer one; NDJSON has no limit`;
      this.stop("LIMIT_EXCEEDED", reason);
    }
    return this.items;
  }

  end(): readonly ReadItem[] {
    this.items = [];
    if (this.place !== "done" && this.place !== "stopped") {
      this.stop("INVALID_JSON", `expected ${expectedAt[this.place]}, came the end of the file`);
    }
    this.place = "stopped";
    return this.items;
  }

  private readBytes(bytes: Uint8Array): void {
    /** Where the text that is being read begins in this chunk. */
    let from = 0;
    for (let index = 0; index < bytes.length && this.place !== "stopped"; ) {
      const byte = bytes[index] as number;
      const before = this.place;
      if (isText(before)) {
        const end = this.readTextByte(before, byte);
        if (end === "goes on") {
          this.consume(byte);
          index++;
        } else {
          if (end === "with this byte") {
            this.consume(byte);
            index++;
          }
          this.endText(before, bytes.subarray(from, index));
        }
      } else {
        if (!isSpace(byte) || before === "start") this.readMark(byte, before);
        if (isText(this.place)) from = index;
        this.consume(byte);
        index++;
      }
    }
    if (isText(this.place)) {
      const text = this.place === "keyText" ? this.keyText : this.valueText;
      text.append(bytes.subarray(from));
    }
  }

  private consume(byte: number): void {
    this.offset++;
    if (byte === newline) this.line++;
  }

  /** A byte between keys and values. */
  private readMark(byte: number, place: Exclude<Place, TextPlace>): void {
    switch (place) {
      case "start":
        if (this.offset === this.marked && byte === byteOrderMark[this.marked]) this.marked++;
        else if (this.marked === 1 || this.marked === 2) this.unexpected(byte, place);
        else if (byte === 0x7b) this.place = "firstKey";
        else if (!isSpace(byte)) this.unexpected(byte, place);
        return;
      case "firstKey":
      case "nextKey":
        if (byte === quote) this.begin("keyText");
        else if (byte === closeBrace && place === "firstKey") this.place = "done";
        else this.unexpected(byte, place);
        return;
      case "colon":
        if (byte === 0x3a) this.place = "value";
        else this.unexpected(byte, place);
        return;
      case "value":
        this.beginValue(byte, place);
        return;
      case "comma":
        if (byte === comma) this.place = "nextKey";
        else if (byte === closeBrace) this.place = "done";
        else this.unexpected(byte, place);
        return;
      case "done":
        this.unexpected(byte, place);
        return;
      case "stopped":
    }
  }

  private begin(place: TextPlace): void {
    this.place = place;
    this.escaped = false;
    this.quoted = false;
    if (place === "keyText") this.keyLine = this.line;
  }

  private beginValue(byte: number, place: "value"): void {
    if (byte === quote) this.begin("string");
    else if (opens(byte)) {
      this.depth = 1;
      this.begin("nested");
    } else if (byte === comma || closes(byte) || byte === 0x3a) this.unexpected(byte, place);
    else this.begin("scalar");
  }

  /** Whether a text goes on after this byte, ends with it, or has ended before it. */
  private readTextByte(place: TextPlace, byte: number): "goes on" | "with this byte" | "before this byte" {
    if (place === "scalar") return isSpace(byte) || byte === comma || closes(byte) ? "before this byte" : "goes on";
    if (place === "nested" && !this.quoted) {
      if (byte === quote) this.quoted = true;
      else if (opens(byte)) this.depth++;
      else if (closes(byte)) this.depth--;
      return this.depth === 0 ? "with this byte" : "goes on";
    }
    if (this.escaped) this.escaped = false;
    else if (byte === backslash) this.escaped = true;
    else if (byte === quote) {
      if (place !== "nested") return "with this byte";
      this.quoted = false;
    }
    return "goes on";
  }

  private endText(place: TextPlace, tail: Uint8Array): void {
    if (place === "keyText") {
      this.place = "colon";
      this.endKey(this.keyText.take(tail));
    } else {
      this.place = "comma";
      this.endValue(this.valueText.take(tail));
      this.key = undefined;
    }
  }

  private endKey(bytes: Uint8Array | undefined): void {
    this.key = undefined;
    if (bytes === undefined) {
      this.report("LIMIT_EXCEEDED", `expected a key of at most ${this.limits.keyBytesMax} bytes, came a longer one`);
      return;
    }
    const value = this.parse(bytes, "key");
    if (typeof value === "string") this.key = value;
  }

  private endValue(bytes: Uint8Array | undefined): void {
    if (bytes === undefined) {
      const reason = `expected a value of at most ${this.limits.lineBytesMax} bytes as it is written, came a longer one`;
      this.report("LIMIT_EXCEEDED", reason, "");
      return;
    }
    const value = this.parse(bytes, "value");
    if (value === undefined || this.key === undefined) return;
    this.items.push(itemOf(this.key, value, this.keyLine, this.limits, this.seen));
  }

  /** The value of a text, or undefined where it has a fault, which is reported. */
  private parse(bytes: Uint8Array, part: "key" | "value"): JsonValue | undefined {
    const text = decodeUtf8(bytes);
    if (text === undefined) {
      this.report("INVALID_JSON", "expected UTF-8, came other bytes", part === "value" ? "" : undefined);
      return undefined;
    }
    const result = readStrictJson(text, this.limits.depthMax);
    if (result.fault === undefined) return result.value;
    this.fail(result.fault, part);
    return undefined;
  }

  private fail(fault: JsonFault, part: "key" | "value"): void {
    const path = part === "value" ? fault.path : undefined;
    if (fault.kind !== "syntax") this.report("INVALID_JSON", fault.reason, path);
    else this.stop("INVALID_JSON", `${fault.reason}, at character ${fault.position + 1} of the ${part}`, path);
  }

  private unexpected(byte: number, place: Exclude<Place, "stopped">): void {
    const came = byte > 0x20 && byte < 0x7f ? JSON.stringify(String.fromCharCode(byte)) : `the byte ${byte}`;
    this.stop("INVALID_JSON", `expected ${expectedAt[place]}, came ${came}, at byte ${this.offset}`);
  }

  private report(code: ItemProblem["code"], reason: string, path?: string): void {
    this.items.push(this.problem(code, reason, this.keyLine, path));
  }

  private stop(code: ItemProblem["code"], reason: string, path?: string): void {
    this.items.push(this.problem(code, reason, this.line, path));
    this.place = "stopped";
  }

  private problem(code: ItemProblem["code"], reason: string, line: number, path: string | undefined): ItemProblem {
    const key = this.key === undefined ? {} : { key: clipKey(this.key) };
    return { kind: "problem", code, reason, line, ...key, ...(path === undefined ? {} : { path }) };
  }
}

function isText(place: Place): place is TextPlace {
  return place === "nested" || place === "keyText" || place === "string" || place === "scalar";
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === newline || byte === 0x0d || byte === 0x09;
}

function opens(byte: number): boolean {
  return byte === 0x7b || byte === 0x5b;
}

function closes(byte: number): boolean {
  return byte === closeBrace || byte === closeBracket;
}
