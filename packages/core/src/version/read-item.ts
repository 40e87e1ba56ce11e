import type { ErrorCode } from "../error.ts";
import { canonicalJson, jsonDepthMax } from "./canonical-json.ts";
import { type JsonValue, kindOf } from "./json-value.ts";
import { clipKey, keyBytesMaxDefault, keyFault, showKey, valueBytesMaxDefault } from "./key.ts";
import type { KeySet } from "./key-set.ts";
import { exceedsUtf8 } from "./utf8.ts";

/** What a reader of an upload accepts. */
export interface ReadLimits {
  /** UTF-8 bytes of a key. */
  readonly keyBytesMax: number;
  /** UTF-8 bytes of a value's canonical text. */
  readonly valueBytesMax: number;
  /** Bytes of one line of NDJSON, or of one value's text in an object, as they came (with white space and escapes). */
  readonly lineBytesMax: number;
  /** Levels of nesting of a value. At most 64, which is what a canonical text may have. */
  readonly depthMax: number;
  /** Bytes of a whole JSON object. NDJSON has no such limit. */
  readonly objectBytesMax: number;
}

/** Keys 512 bytes, values 1 MiB, lines 8 MiB (a megabyte written in escapes is six), 64 levels, objects 64 MiB. */
export const defaultReadLimits: ReadLimits = {
  keyBytesMax: keyBytesMaxDefault,
  valueBytesMax: valueBytesMaxDefault,
  lineBytesMax: 8 * 1024 * 1024,
  depthMax: jsonDepthMax,
  objectBytesMax: 64 * 1024 * 1024,
};

/** An item that was read. */
export interface GoodItem {
  readonly kind: "item";
  readonly key: string;
  /** Canonical JSON text of the value. */
  readonly canonical: string;
  /** Line on which it begins, from 1. */
  readonly line: number;
}

/** Something that is wrong in an upload. */
export interface ItemProblem {
  readonly kind: "problem";
  readonly code: Extract<ErrorCode, "INVALID_JSON" | "INVALID_ITEM" | "DUPLICATE_KEY" | "LIMIT_EXCEEDED">;
  /** What was expected and what came. */
  readonly reason: string;
  readonly line: number;
  /** The item's key where it is known, cut to 200 characters. */
  readonly key?: string;
  /** RFC 6901 pointer into the item's value, where the fault is in the value. */
  readonly path?: string;
}

/** What a reader gives out. */
export type ReadItem = GoodItem | ItemProblem;

/** A reader that chunks of any size are pushed into; where they are cut makes no difference to what it gives out. */
export interface ItemReader {
  /** What is complete with this chunk. The chunk is not kept. Gives nothing more after a fault that it cannot go on from. */
  push(chunk: Uint8Array): readonly ReadItem[];
  /** What the end of the upload completes, or the problem that it came too early. */
  end(): readonly ReadItem[];
}

/** The item of a key and a parsed value, or what is wrong with it: the key, a repeated key, the value's size. */
export function itemOf(key: JsonValue, value: JsonValue, line: number, limits: ReadLimits, seen: KeySet): ReadItem {
  const wrongKey = keyProblem(key, line, limits);
  if (wrongKey !== undefined) return wrongKey;
  const text = key as string;
  const first = seen.add(text, line);
  if (first !== 0) return repeatedKey(text, line, first);
  const canonical = canonicalJson(value);
  return sizeProblem(text, canonical, line, limits) ?? { kind: "item", key: text, canonical, line };
}

/** Why something may not be a key; undefined where it is a string that may. */
export function keyProblem(key: JsonValue, line: number, limits: ReadLimits): ItemProblem | undefined {
  if (typeof key !== "string") {
    return { kind: "problem", code: "INVALID_ITEM", reason: `expected a string as key, came ${kindOf(key)}`, line };
  }
  const fault = keyFault(key, limits.keyBytesMax);
  return fault === undefined ? undefined : { kind: "problem", ...fault, line, key: clipKey(key) };
}

/** The problem of a key that came before, on line `first`. */
export function repeatedKey(key: string, line: number, first: number): ItemProblem {
  const reason = `expected each key once, came ${showKey(key)} again after line ${first}`;
  return { kind: "problem", code: "DUPLICATE_KEY", reason, line, key: clipKey(key) };
}

/** The problem of a value that is too long; undefined where it is not. */
export function sizeProblem(
  key: string,
  canonical: string,
  line: number,
  { valueBytesMax }: ReadLimits,
): ItemProblem | undefined {
  if (!exceedsUtf8(canonical, valueBytesMax)) return undefined;
  const reason = `expected a value of at most ${valueBytesMax} bytes, came a longer one`;
  return { kind: "problem", code: "LIMIT_EXCEEDED", reason, line, key: clipKey(key), path: "" };
}
