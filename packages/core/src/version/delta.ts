import { hash } from "node:crypto";
import { SluiceError } from "../error.ts";
import { canonicalJson, jsonDepthMax } from "./canonical-json.ts";
import { createContentHash, itemHash } from "./content-hash.ts";
import { isJsonObject, type JsonValue, kindOf } from "./json-value.ts";
import { keyBytesMaxDefault, keyFault, showKey, valueBytesMaxDefault } from "./key.ts";
import { parseStrictJson } from "./strict-json.ts";
import { exceedsUtf8 } from "./utf8.ts";

/** The items that changed between a version and its parent: sorted by key in UTF-16 order, each key once, values as canonical JSON texts. */
export interface Delta {
  readonly set: readonly (readonly [key: string, canonical: string])[];
  readonly remove: readonly string[];
}

/** A delta as plain JSON, as it stands in an event. */
export interface DeltaJson {
  readonly set: readonly (readonly [key: string, value: JsonValue])[];
  readonly remove: readonly string[];
}

/** What a delta from elsewhere may hold. */
export interface DeltaLimits {
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  /** Items set and removed together. */
  readonly deltaItemsMax: number;
  /** The encoded text. */
  readonly deltaBytesMax: number;
}

/** Keys 512 bytes, values 1 MiB, 100,000 items, 64 MiB of text. */
export const defaultDeltaLimits: DeltaLimits = {
  keyBytesMax: keyBytesMaxDefault,
  valueBytesMax: valueBytesMaxDefault,
  deltaItemsMax: 100_000,
  deltaBytesMax: 64 * 1024 * 1024,
};

/** Looks up the canonical text of an item before the delta; undefined where there is none. */
export type LookupOld = (key: string) => string | undefined;

/** A delta that changes nothing. */
export const emptyDelta: Delta = { set: [], remove: [] };

/** Makes a delta of items in any order. Throws DUPLICATE_KEY where a key comes twice, set or removed. */
export function createDelta(set: Iterable<readonly [string, string]>, remove: Iterable<string>): Delta {
  const delta: Delta = { set: [...set].sort(([a], [b]) => compare(a, b)), remove: [...remove].sort(compare) };
  refuseRepeats(delta);
  return delta;
}

/** The wire text of a delta: canonical JSON `{"remove":[…],"set":[[key,value],…]}`. Throws DUPLICATE_KEY where a key comes twice. */
export function encodeDelta(delta: Delta): string {
  const { set, remove } = createDelta(delta.set, delta.remove);
  const removed = remove.map((key) => JSON.stringify(key)).join(",");
  const changed = set.map(([key, canonical]) => `[${JSON.stringify(key)},${canonical}]`).join(",");
  return `{"remove":[${removed}],"set":[${changed}]}`;
}

/**
 * Reads the wire text of a delta. The text has to be canonical, so that one delta has one text and one name.
 * Throws INVALID_JSON, INVALID_ITEM, DUPLICATE_KEY or LIMIT_EXCEEDED.
 */
export function decodeDelta(text: string, limits: DeltaLimits = defaultDeltaLimits): Delta {
  if (exceedsUtf8(text, limits.deltaBytesMax)) {
    throw new SluiceError(
      "LIMIT_EXCEEDED",
      `expected a delta of at most ${limits.deltaBytesMax} bytes, came a longer one`,
    );
  }
  // The value of an item stands three levels deep.
  const delta = deltaFromJson(parseStrictJson(text, { depthMax: jsonDepthMax + 3 }), limits);
  if (encodeDelta(delta) !== text) {
    throw new SluiceError(
      "INVALID_JSON",
      "expected a delta in canonical form (RFC 8785, sorted by key), came another form",
    );
  }
  return delta;
}

/** Reads a delta that came as parsed JSON, in any order. Throws INVALID_JSON, INVALID_ITEM, DUPLICATE_KEY or LIMIT_EXCEEDED. */
export function deltaFromJson(json: unknown, limits: DeltaLimits = defaultDeltaLimits): Delta {
  const { set, remove } = membersOf(json);
  if (set.length + remove.length > limits.deltaItemsMax) {
    throw new SluiceError(
      "LIMIT_EXCEEDED",
      `expected at most ${limits.deltaItemsMax} items in a delta, came ${set.length + remove.length}`,
    );
  }
  return createDelta(
    set.map((pair, index) => readPair(pair, `/set/${index}`, limits)),
    remove.map((key, index) => readKey(key, `/remove/${index}`, limits)),
  );
}

/** The delta as plain JSON. */
export function deltaToJson(delta: Delta): DeltaJson {
  return {
    set: delta.set.map(([key, canonical]) => [key, JSON.parse(canonical) as JsonValue]),
    remove: [...delta.remove],
  };
}

/** The name of an encoded delta: the SHA-256 of its text, 64 hex digits. */
export function deltaName(text: string): string {
  return hash("sha256", text);
}

/** The content hash after a delta, in time proportional to the delta. `contentHash` is the one before, 64 hex digits. */
export function applyDeltaHash(contentHash: string, delta: Delta, lookupOld: LookupOld): string {
  const content = createContentHash(contentHash);
  for (const [key, canonical] of delta.set) {
    const old = lookupOld(key);
    if (old === canonical) continue;
    if (old !== undefined) content.subtract(itemHash(key, old));
    content.add(itemHash(key, canonical));
  }
  for (const key of delta.remove) {
    const old = lookupOld(key);
    if (old !== undefined) content.subtract(itemHash(key, old));
  }
  return content.hex();
}

/** The number of items after a delta; `itemCount` is the one before. */
export function applyDeltaCount(itemCount: number, delta: Delta, lookupOld: LookupOld): number {
  let count = itemCount;
  for (const [key] of delta.set) if (lookupOld(key) === undefined) count++;
  for (const key of delta.remove) if (lookupOld(key) !== undefined) count--;
  return count;
}

/** One delta that does what the two do one after the other. Removes are kept whatever the older one set: the base may have the key. */
export function mergeDeltas(older: Delta, newer: Delta): Delta {
  const last = new Map<string, string | undefined>(older.set);
  for (const key of older.remove) last.set(key, undefined);
  for (const [key, canonical] of newer.set) last.set(key, canonical);
  for (const key of newer.remove) last.set(key, undefined);
  const set: (readonly [string, string])[] = [];
  const remove: string[] = [];
  for (const [key, canonical] of last) {
    if (canonical === undefined) remove.push(key);
    else set.push([key, canonical]);
  }
  return createDelta(set, remove);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function refuseRepeats({ set, remove }: Delta): void {
  const keys = new Set<string>();
  const see = (key: string): void => {
    if (keys.has(key)) {
      throw new SluiceError("DUPLICATE_KEY", `expected each key once in a delta, came ${showKey(key)} again`, {
        details: { key },
      });
    }
    keys.add(key);
  };
  for (const [key] of set) see(key);
  for (const key of remove) see(key);
}

function membersOf(json: unknown): { set: readonly unknown[]; remove: readonly unknown[] } {
  const value = json as JsonValue | undefined;
  if (isJsonObject(value)) {
    const { set, remove, ...others } = value;
    if (Array.isArray(set) && Array.isArray(remove) && Object.keys(others).length === 0) return { set, remove };
  }
  throw malformed(
    '{"remove": […], "set": […]}',
    isJsonObject(value) ? "an object with other members" : kindOf(json),
    "",
  );
}

function readPair(pair: unknown, path: string, limits: DeltaLimits): readonly [string, string] {
  if (!Array.isArray(pair) || pair.length !== 2) throw malformed("[key, value]", kindOf(pair), path);
  const key = readKey(pair[0], `${path}/0`, limits);
  const canonical = canonicalJson(pair[1] as JsonValue);
  if (exceedsUtf8(canonical, limits.valueBytesMax)) {
    throw new SluiceError(
      "LIMIT_EXCEEDED",
      `expected a value of at most ${limits.valueBytesMax} bytes, came a longer one`,
      {
        details: { key, path: `${path}/1` },
      },
    );
  }
  return [key, canonical];
}

function readKey(key: unknown, path: string, limits: DeltaLimits): string {
  if (typeof key !== "string") throw malformed("a key", kindOf(key), path);
  const fault = keyFault(key, limits.keyBytesMax);
  if (fault !== undefined) throw new SluiceError(fault.code, `${fault.reason}, at ${path}`, { details: { path } });
  return key;
}

function malformed(expected: string, came: string, path: string): SluiceError {
  return new SluiceError(
    "INVALID_JSON",
    `expected ${expected} in a delta, came ${came}${path === "" ? "" : `, at ${path}`}`,
    {
      details: { path },
    },
  );
}
