import { createHash, hash } from "node:crypto";
import { murmur3 } from "@sluice/core";
import type { Pace } from "./pace.ts";

/*
 * The list of changed items that a version leaves at the origin for the quarantine: NDJSON, a line `["key","0123456789abcdef"]`
 * for each item that differs from the parent, sorted by the key's MurmurHash3, then by the key in UTF-16 order. The second
 * is the first half of the SHA-256 of the canonical value in hex, cut to 16 digits, or null where the item was removed.
 * In that order the list of a version comes out of the comparison sorted, and two lists are walked through side by side.
 */

const newline = 0x0a;

/** A list of changed items in memory. */
export interface ChangeList {
  /** SHA-256 of the bytes, 64 hex digits. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly count: number;
}

/** Gathers a list; changes have to come in its order. */
export interface ChangeListBuilder {
  add(key: string, canonical: string | undefined): void;
  finish(): ChangeList;
}

/** Starts an empty list. */
export function createChangeList(): ChangeListBuilder {
  const sha = createHash("sha256");
  const chunks: Buffer[] = [];
  let lines: string[] = [];
  let count = 0;
  const flush = (): void => {
    const chunk = Buffer.from(lines.join(""));
    lines = [];
    sha.update(chunk);
    chunks.push(chunk);
  };
  return {
    add(key, canonical) {
      const value = canonical === undefined ? null : hash("sha256", canonical).slice(0, 16);
      lines.push(`${JSON.stringify([key, value])}\n`);
      count++;
      if (lines.length === 1024) flush();
    },
    finish() {
      flush();
      return { name: sha.digest("hex"), bytes: Buffer.concat(chunks), count };
    },
  };
}

interface ListedChange {
  readonly keyHash: number;
  readonly key: string;
  readonly value: string | null;
}

/** How many changes stand in both lists with the same value; keys in `lifted` do not count. */
export async function countShared(
  ours: Uint8Array,
  theirs: Uint8Array,
  lifted: ReadonlySet<string>,
  pace: Pace,
): Promise<number> {
  const left = readChanges(ours);
  const right = readChanges(theirs);
  let a = left.next().value;
  let b = right.next().value;
  let count = 0;
  while (a !== undefined && b !== undefined) {
    const order = a.keyHash - b.keyHash || compareKeys(a.key, b.key);
    if (order === 0 && a.value === b.value && !lifted.has(a.key)) count++;
    if (pace.spent(a.key.length)) await pace.turn();
    if (order <= 0) a = left.next().value;
    if (order >= 0) b = right.next().value;
  }
  return count;
}

/** UTF-16 order, which `<` compares in and `localeCompare` does not. */
export function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function* readChanges(list: Uint8Array): Generator<ListedChange, undefined> {
  const bytes = Buffer.from(list.buffer, list.byteOffset, list.byteLength);
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(newline, start);
    const [key, value] = JSON.parse(bytes.toString("utf8", start, end)) as [string, string | null];
    yield { keyHash: murmur3(key), key, value };
    start = end + 1;
  }
  return undefined;
}
