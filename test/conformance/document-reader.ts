import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

// Written from the section "Contents and files" of docs/PROTOCOL.md and from nothing else: it imports nothing of the product, so
// that what it can read, a client in another language can.

/** An item of a file; null was removed. */
export type FileItem = readonly [key: string, canonical: string | null];

/** A file that was read whole and checked. */
export interface ReadFile {
  readonly kind: "part" | "layer";
  readonly contentHash: string;
  readonly items: readonly FileItem[];
  /** Finds a key by way of the table; undefined where the file has no record of it. */
  find(key: string): string | null | undefined;
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

function scramble(word: number): number {
  return Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
}

/** MurmurHash3, x86, 32 bit, seed 0. */
export function keyHash(key: string): number {
  const bytes = Buffer.from(key, "utf8");
  const blocks = bytes.length - (bytes.length % 4);
  let hash = 0;
  for (let at = 0; at < blocks; at += 4) {
    hash = (Math.imul(rotate(hash ^ scramble(bytes.readInt32LE(at)), 13), 5) + 0xe6546b64) | 0;
  }
  const tail = bytes.subarray(blocks);
  if (tail.length > 0) hash ^= scramble([...tail].reduce((word, byte, index) => word | (byte << (8 * index)), 0));
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A bucket of 100,000. */
export function bucket(salt: string, targetingKey: string): number {
  return Math.floor((keyHash(`${salt}:${targetingKey}`) * 100_000) / 2 ** 32);
}

/** Content hashes as numbers, for sums and differences. */
export function sumOf(plus: Iterable<string>, minus: Iterable<string> = []): string {
  let sum = 0n;
  for (const hex of plus) sum += BigInt(`0x${hex}`);
  for (const hex of minus) sum -= BigInt(`0x${hex}`);
  return BigInt.asUintN(256, sum).toString(16).padStart(64, "0");
}

/** The hash of one item. */
export function itemHash(key: string, canonical: string): string {
  const bytes = Buffer.from(key, "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return createHash("sha256").update(length).update(bytes).update(canonical, "utf8").digest("hex");
}

/** Reads a file and holds it to every sentence of the document. Throws where one is not true of it. */
export function readFile(bytes: Buffer): ReadFile {
  const magic = bytes.toString("latin1", 0, 4);
  if (magic !== "SLCP" && magic !== "SLCL") throw new Error("neither a part nor a layer");
  const kind = magic === "SLCP" ? "part" : "layer";
  const [version, records, slots, length] = [4, 8, 12, 16].map((at) => bytes.readUInt32BE(at)) as [
    number,
    number,
    number,
    number,
  ];
  const tableEnd = 56 + 8 * slots;
  same("format version", version, 1);
  same("slots", slots, Math.ceil((records * 4) / 3));
  same("length", length, bytes.length);
  same("CRC of the head", bytes.readUInt32BE(52), crc32(bytes.subarray(56, tableEnd), crc32(bytes.subarray(0, 52))));

  const items: FileItem[] = [];
  const places = new Map<number, FileItem>();
  let at = tableEnd;
  while (at < bytes.length) {
    const { item, end } = readRecord(bytes, at, kind);
    places.set(at, item);
    items.push(item);
    at = end;
  }
  same("end", at, bytes.length);
  same("records", items.length, records);
  const contentHash = bytes.toString("hex", 20, 52);
  same(
    "content hash",
    contentHash,
    sumOf(items.flatMap(([key, text]) => (text === null ? [] : [itemHash(key, text)]))),
  );
  return {
    kind,
    contentHash,
    items,
    find(key) {
      const hash = keyHash(key);
      for (let tried = 0; tried < slots; tried++) {
        const slot = 56 + 8 * ((hash + tried) % slots);
        const position = bytes.readUInt32BE(slot + 4);
        if (position === 0) return undefined;
        const item = places.get(position);
        if (bytes.readUInt32BE(slot) === hash && item?.[0] === key) return item[1];
      }
      return undefined;
    },
  };
}

function readRecord(bytes: Buffer, at: number, kind: "part" | "layer"): { item: FileItem; end: number } {
  const valueBytes = bytes.readUInt32BE(at + 4);
  const keyBytes = bytes.readUInt32BE(at + 8);
  const keyEnd = at + 12 + keyBytes;
  const end = keyEnd + valueBytes;
  same("CRC of a record", bytes.readUInt32BE(at), crc32(bytes.subarray(at + 4, end)));
  if (keyBytes === 0 || (valueBytes === 0 && kind === "part"))
    throw new Error("a record without a key, or without a value");
  const key = bytes.toString("utf8", at + 12, keyEnd);
  return { item: [key, valueBytes === 0 ? null : bytes.toString("utf8", keyEnd, end)], end };
}

function same(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`${what}: expected ${String(expected)}, came ${String(found)}`);
}

/** What the frames of a content say of it, as far as a reader needs it. */
export interface DocumentContent {
  readonly base: {
    readonly parts: readonly { readonly name: string; readonly items: number; readonly contentHash: string }[];
    readonly layers: readonly {
      readonly name: string;
      readonly items: number;
      readonly contentHash: string;
      readonly hidden: { readonly items: number; readonly contentHash: string };
    }[];
  };
  readonly overlay: { readonly set: readonly (readonly [string, string])[]; readonly remove: readonly string[] } | null;
  readonly contentHash: string;
  readonly items: number;
}

function count(refs: readonly { readonly items: number }[]): number {
  return refs.reduce((sum, { items }) => sum + items, 0);
}

/** What the references of a base add up to, without a look at its files. */
export function sumOfBase({ parts, layers }: DocumentContent["base"]): { contentHash: string; items: number } {
  const hidden = layers.map((layer) => layer.hidden);
  return {
    contentHash: sumOf(
      [...parts, ...layers].map((ref) => ref.contentHash),
      hidden.map((ref) => ref.contentHash),
    ),
    items: count(parts) + count(layers) - count(hidden),
  };
}

/** Looks a key up in a content whose files are at hand; undefined where there is no such item. */
export function lookUp(
  content: DocumentContent,
  files: ReadonlyMap<string, ReadFile>,
  key: string,
): string | undefined {
  const { base, overlay } = content;
  if (overlay?.remove.includes(key) === true) return undefined;
  const over = overlay?.set.find(([its]) => its === key);
  if (over !== undefined) return over[1];
  for (const { name } of base.layers.toReversed()) {
    const found = files.get(name)?.find(key);
    if (found !== undefined) return found ?? undefined;
  }
  const part = base.parts[Math.floor((keyHash(key) * base.parts.length) / 2 ** 32)];
  return files.get(part?.name ?? "")?.find(key) ?? undefined;
}

/** The content hash and the items after a delta, of what was there before. */
export function afterDelta(
  before: ReadonlyMap<string, string>,
  contentHash: string,
  delta: NonNullable<DocumentContent["overlay"]>,
): { contentHash: string; items: number } {
  const touched = [...delta.set.map(([key]) => key), ...delta.remove].filter((key) => before.has(key));
  const gone = touched.map((key) => itemHash(key, before.get(key) as string));
  const come = delta.set.map(([key, canonical]) => itemHash(key, canonical));
  return { contentHash: sumOf([contentHash, ...come], gone), items: before.size - touched.length + delta.set.length };
}
