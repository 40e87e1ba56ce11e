import { hash } from "node:crypto";
import { murmur3, SluiceError } from "@sluice/core";
import { compareKeys } from "./group.ts";

/*
 * The list of changed items that a version leaves at the origin for the quarantine: NDJSON, a line `["key","0123456789abcdef"]`
 * for each item that differs from the parent, sorted by the key's MurmurHash3, then by the key in UTF-16 order. The second
 * is the first half of the SHA-256 of the canonical value in hex, cut to 16 digits, or null where the item was removed.
 * In that order the list of a version comes out of the comparison sorted, and two lists are walked through side by side.
 */

const newline = 0x0a;
const chunkCharacters = 4_096;

/** Gathers a piece of a list; changes have to come in its order. */
export interface ChangeListBuilder {
  readonly count: number;
  /** `canonical` is the text of the value in UTF-8; null where the item was removed. */
  add(key: string, canonical: Uint8Array | null): void;
  /** The lines so far. */
  bytes(): Uint8Array;
}

/** Starts an empty piece. */
export function createChangeList(): ChangeListBuilder {
  const chunks: Buffer[] = [];
  let text = "";
  let count = 0;
  const flush = (): void => {
    chunks.push(Buffer.from(text));
    text = "";
  };
  return {
    get count() {
      return count;
    },
    add(key, canonical) {
      const value = canonical === null ? null : hash("sha256", canonical).slice(0, 16);
      text += `${JSON.stringify([key, value])}\n`;
      count++;
      // Strings that are kept until all are there would outlive their generation, and the heap would grow for them.
      if (text.length > chunkCharacters) flush();
    },
    bytes() {
      flush();
      return Buffer.concat(chunks);
    },
  };
}

interface ListedChange {
  readonly keyHash: number;
  readonly key: string;
  readonly value: string | null;
}

/** How many changes stand in both lists with the same value; keys in `lifted` do not count. Each list comes in pieces, cut anywhere. Throws CORRUPT. */
export function countShared(
  ours: Iterable<Uint8Array>,
  theirs: Iterable<Uint8Array>,
  lifted: ReadonlySet<string>,
): number {
  const left = readChanges(ours);
  const right = readChanges(theirs);
  let a = left.next().value;
  let b = right.next().value;
  let count = 0;
  while (a !== undefined && b !== undefined) {
    const order = a.keyHash - b.keyHash || compareKeys(a.key, b.key);
    if (order === 0 && a.value === b.value && !lifted.has(a.key)) count++;
    if (order <= 0) a = left.next().value;
    if (order >= 0) b = right.next().value;
  }
  return count;
}

/** Those of `keys` that stand in a list, in their order, each once. The list comes in pieces, cut anywhere. Throws CORRUPT. */
export function listedKeys(list: Iterable<Uint8Array>, keys: readonly string[]): readonly string[] {
  const wanted = new Set(keys);
  const found = new Set<string>();
  for (const { key } of readChanges(list)) if (wanted.has(key)) found.add(key);
  return [...wanted].filter((key) => found.has(key));
}

function* readChanges(pieces: Iterable<Uint8Array>): Generator<ListedChange, undefined> {
  let held = Buffer.alloc(0);
  for (const piece of pieces) {
    const bytes = Buffer.concat([held, piece]);
    let start = 0;
    for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, start)) {
      yield changeOf(bytes.toString("utf8", start, end));
      start = end + 1;
    }
    held = bytes.subarray(start);
  }
  if (held.length > 0) throw noList();
  return undefined;
}

function changeOf(line: string): ListedChange {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch (cause) {
    throw noList(cause);
  }
  const [key, value] = Array.isArray(fields) ? (fields as readonly unknown[]) : [];
  if (typeof key !== "string" || (value !== null && typeof value !== "string")) throw noList();
  return { keyHash: murmur3(key), key, value };
}

function noList(cause?: unknown): SluiceError {
  return new SluiceError("CORRUPT", "a list of changed items is not what was written", { cause });
}
