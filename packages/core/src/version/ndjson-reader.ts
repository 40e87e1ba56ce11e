import { createHeldBytes } from "./held-bytes.ts";
import { isJsonObject, type JsonValue, kindOf } from "./json-value.ts";
import { clipKey } from "./key.ts";
import { createKeySet } from "./key-set.ts";
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

const newline = 0x0a;

/**
 * Reads NDJSON: one `{"key": string, "value": any}` a line. Empty lines are skipped, CRLF is fine, so is a byte order mark
 * at the start. A bad line is a problem and the next one is read; a key that came before is a problem too.
 * Limits default to `defaultReadLimits`. Problems are INVALID_JSON, INVALID_ITEM, DUPLICATE_KEY and LIMIT_EXCEEDED.
 */
export function createNdjsonReader(limits: Partial<ReadLimits> = {}): ItemReader {
  const allLimits: ReadLimits = { ...defaultReadLimits, ...limits };
  const held = createHeldBytes(allLimits.lineBytesMax);
  const seen = createKeySet();
  let line = 1;

  const endLine = (tail: Uint8Array, items: ReadItem[]): void => {
    const item = readLine(held.take(tail), line);
    if (item !== undefined) items.push(item);
    line++;
  };

  const readLine = (bytes: Uint8Array | undefined, at: number): ReadItem | undefined => {
    if (bytes === undefined) {
      const reason = `expected a line of at most ${allLimits.lineBytesMax} bytes, came a longer one`;
      return { kind: "problem", code: "LIMIT_EXCEEDED", reason, line: at };
    }
    const text = decodeUtf8(at === 1 ? withoutMark(bytes) : bytes);
    if (text === undefined) {
      return { kind: "problem", code: "INVALID_JSON", reason: "expected UTF-8, came other bytes", line: at };
    }
    if (!/[^ \t\r]/.test(text)) return undefined;
    // The value stands one level deep in its line.
    const result = readStrictJson(text, allLimits.depthMax + 1);
    if (result.fault !== undefined) return faultyLine(text, result.fault, at, allLimits.depthMax);
    const { value } = result;
    const fault = shapeFault(value);
    if (fault !== undefined) return { kind: "problem", code: "INVALID_ITEM", reason: fault, line: at, ...keyOf(value) };
    const { key, value: itemValue } = value as { key: JsonValue; value: JsonValue };
    return itemOf(key, itemValue, at, allLimits, seen);
  };

  return {
    push(chunk) {
      const items: ReadItem[] = [];
      let start = 0;
      for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
        endLine(chunk.subarray(start, end), items);
        start = end + 1;
      }
      if (start < chunk.length) held.append(chunk.subarray(start));
      return items;
    },
    end() {
      const items: ReadItem[] = [];
      endLine(new Uint8Array(0), items);
      return items;
    },
  };
}

function shapeFault(value: JsonValue): string | undefined {
  const expected = 'expected {"key": string, "value": any}';
  if (!isJsonObject(value)) return `${expected}, came ${kindOf(value)}`;
  for (const member of ["key", "value"]) {
    if (!Object.hasOwn(value, member)) return `${expected}, came an object without "${member}"`;
  }
  const other = Object.keys(value).find((member) => member !== "key" && member !== "value");
  return other === undefined ? undefined : `${expected}, came another member ${JSON.stringify(clipKey(other))}`;
}

/** The problem of a line that is no strict JSON. Where `JSON.parse` can still read it, the report names the key. */
function faultyLine(text: string, fault: JsonFault, line: number, depthMax: number): ItemProblem {
  const reason =
    fault.kind === "tooDeep" ? `expected at most ${depthMax} levels of nesting, came one more` : fault.reason;
  const problem: ItemProblem = { kind: "problem", code: "INVALID_JSON", reason, line };
  if (fault.kind === "syntax")
    return { ...problem, reason: `${reason}, at character ${fault.position + 1} of the line` };
  const path = /^\/value(?:\/|$)/.test(fault.path) ? { path: fault.path.slice("/value".length) } : {};
  return { ...problem, ...keyOf(looselyParsed(text)), ...path };
}

/** Undefined where a fault of syntax follows the one that was found. */
function looselyParsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

function keyOf(value: JsonValue | undefined): { key?: string } {
  if (!isJsonObject(value)) return {};
  const { key } = value as { key?: JsonValue };
  return typeof key === "string" ? { key: clipKey(key) } : {};
}

function withoutMark(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}
