import { createHeldBytes } from "./held-bytes.ts";
import { isJsonObject, type JsonValue, kindOf } from "./json-value.ts";
import { clipKey } from "./key.ts";
import { createPlainReader } from "./plain-item.ts";
import { defaultReadLimits, type ItemProblem, keyProblem, type ReadLimits, sizeProblem } from "./read-item.ts";
import { canonicalJson } from "./canonical-json.ts";
import { type JsonFault, readStrictJson } from "./strict-json.ts";
import { decodeUtf8, writeUtf8 } from "./utf8.ts";

/** Takes what a scanner finds, in the order of the upload. */
export interface ItemSink {
  /**
   * An item: in `bytes` the key up to `keyEnd` and the canonical text of its value from there to `end`, good until this returns.
   * `line` counts from 1.
   */
  item(bytes: Uint8Array, keyEnd: number, end: number, line: number): void;
  /** A fault. `key` is given where the item would be one but for its size, so that it counts where keys are compared. */
  problem(problem: ItemProblem, key?: string): void;
}

/** A reader that chunks of any size are pushed into; where they are cut makes no difference. */
export interface ItemScanner {
  /** Hands over what is complete with this chunk, which is not kept. */
  push(chunk: Uint8Array): void;
  /** Hands over what the end of the upload completes. */
  end(): void;
}

const newline = 0x0a;

/**
 * Reads NDJSON, one `{"key": string, "value": any}` a line, as bytes and without comparing keys: whoever has all of them at hand
 * sorted does that without a set of its own. Otherwise as `createNdjsonReader`.
 */
export function createNdjsonScanner(limits: Partial<ReadLimits>, sink: ItemSink): ItemScanner {
  const allLimits: ReadLimits = { ...defaultReadLimits, ...limits };
  const held = createHeldBytes(allLimits.lineBytesMax);
  const plain = createPlainReader(allLimits);
  const strict = createStrictLine(allLimits, sink);
  let line = 1;

  const readLine = (bytes: Uint8Array, start: number, end: number): void => {
    if (end - start <= allLimits.lineBytesMax && plain.read(bytes, start, end)) {
      sink.item(plain.bytes, plain.keyEnd, plain.end, line);
    } else if (end > start) {
      strict(bytes.subarray(start, end), line);
    }
    line++;
  };

  const readHeld = (tail: Uint8Array): void => {
    const bytes = held.take(tail);
    if (bytes !== undefined) {
      readLine(bytes, 0, bytes.length);
      return;
    }
    const reason = `expected a line of at most ${allLimits.lineBytesMax} bytes, came a longer one`;
    sink.problem({ kind: "problem", code: "LIMIT_EXCEEDED", reason, line });
    line++;
  };

  return {
    push(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
        // Only the first line of a chunk goes on from the chunk before.
        if (start === 0 || end - start > allLimits.lineBytesMax) readHeld(chunk.subarray(start, end));
        else readLine(chunk, start, end);
        start = end + 1;
      }
      if (start < chunk.length) held.append(chunk.subarray(start));
    },
    end: () => readHeld(new Uint8Array(0)),
  };
}

/** Reads a line with the parsers that know what is wrong. */
function createStrictLine(limits: ReadLimits, sink: ItemSink): (bytes: Uint8Array, line: number) => void {
  let written = new Uint8Array(1024);

  const handOver = (key: string, canonical: string, line: number): void => {
    const bytesMax = 3 * (key.length + canonical.length);
    if (bytesMax > written.length) written = new Uint8Array(bytesMax);
    const keyEnd = writeUtf8(key, written, 0);
    sink.item(written, keyEnd, keyEnd + writeUtf8(canonical, written, keyEnd), line);
  };

  return (bytes, line) => {
    const text = decodeUtf8(line === 1 ? withoutMark(bytes) : bytes);
    if (text === undefined) {
      sink.problem({ kind: "problem", code: "INVALID_JSON", reason: "expected UTF-8, came other bytes", line });
      return;
    }
    if (!/[^ \t\r]/.test(text)) return;
    // The value stands one level deep in its line.
    const result = readStrictJson(text, limits.depthMax + 1);
    if (result.fault !== undefined) {
      sink.problem(faultyLine(text, result.fault, line, limits.depthMax));
      return;
    }
    const { value } = result;
    const fault = shapeFault(value);
    if (fault !== undefined) {
      sink.problem({ kind: "problem", code: "INVALID_ITEM", reason: fault, line, ...keyOf(value) });
      return;
    }
    const { key, value: itemValue } = value as { key: JsonValue; value: JsonValue };
    const wrongKey = keyProblem(key, line, limits);
    if (wrongKey !== undefined) {
      sink.problem(wrongKey);
      return;
    }
    const canonical = canonicalJson(itemValue);
    const tooLong = sizeProblem(key as string, canonical, line, limits);
    if (tooLong === undefined) handOver(key as string, canonical, line);
    else sink.problem(tooLong, key as string);
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
