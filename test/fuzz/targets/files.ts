import { crc32 } from "node:zlib";
import {
  buildLayer,
  buildPart,
  canonicalJson,
  isSluiceError,
  type JsonValue,
  murmur3,
  openLayer,
  openPart,
  type PartKind,
  partHeaderBytes,
} from "@sluice/core";
import { createRandom, type Random } from "../../simulation/random.ts";
import { edgeNear, mutateBytes } from "../mutate-bytes.ts";
import { mayRefuse, type Target } from "../target.ts";

const headerCrcAt = 52;
const recordHeaderBytes = 12;
const slotBytes = 8;

/** Readers of parts and of layers. */
export function createFileTargets(): readonly Target[] {
  return [fileTarget("part"), fileTarget("layer")];
}

function fileTarget(kind: PartKind): Target {
  const seeds = seedsOf(kind);
  const others = [...seeds, ...seedsOf(kind === "part" ? "layer" : "part")];
  const keys = [...keysOf(200), "", "\ud800", "__proto__"];
  return {
    name: kind,
    weight: 20,
    input: (random) => fileInput(random, random.pick(seeds), others),
    take: (input) => takeFile(input, kind, keys),
    // The table is eight bytes a slot; a record is read into memory, then its texts.
    bytesMax: (inputBytes) => 262_144 + 8 * inputBytes,
  };
}

function takeFile(input: Uint8Array, kind: PartKind, keys: readonly string[]): void {
  let read = 0;
  const positional = (position: number, length: number): Uint8Array => {
    if (position + length > input.length) {
      throw new RangeError(`asked for ${length} bytes at ${position} of ${input.length}`);
    }
    read += length;
    return input.subarray(position, position + length);
  };
  const open = kind === "part" ? openPart : openLayer;
  try {
    const file = open(positional, input.length);
    for (const key of keys) attempt(() => file.get(key, murmur3(key)));
    const afterGets = read;
    // A table may lead to any record from every slot, so what a read finds is checked, not how much there is.
    if (afterGets > (1 + keys.length) * 8 * (input.length + 1024)) throw new Error(`${afterGets} bytes read`);
    attempt(() => {
      let records = 0;
      for (const [key] of file.entries()) {
        records++;
        if (key === "") throw new Error("a record without a key");
      }
      if (records !== file.recordCount) throw new Error(`${records} records, ${file.recordCount} said`);
    });
    // A block may be read again for its last record, so twice is the most, and one block more.
    if (read - afterGets > 2 * input.length + 131_072)
      throw new Error(`${read - afterGets} bytes read for the entries`);
  } catch (error) {
    mayRefuse(error, (its) => isSluiceError(its, "CORRUPT"));
  }
}

function attempt(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    mayRefuse(error, (its) => isSluiceError(its, "CORRUPT"));
  }
}

function fileInput(random: Random, seed: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  switch (random.int(8)) {
    case 0:
      return seed;
    case 1:
      return mutateBytes(random, seed, others);
    case 2:
      return Buffer.concat([seed, random.pick(others)]);
    case 3:
      return swapHeader(random, seed, random.pick(others));
    default: {
      const bytes = Buffer.from(seed);
      for (let left = 1 + random.int(3); left > 0; left--) mutateField(random, bytes);
      return refit(random, random.chance(0.3) ? mutateBytes(random, bytes, others) : bytes);
    }
  }
}

function swapHeader(random: Random, seed: Uint8Array, other: Uint8Array): Buffer {
  const bytes = Buffer.concat([other.subarray(0, partHeaderBytes), seed.subarray(partHeaderBytes)]);
  return random.chance(0.5) ? refit(random, bytes) : bytes;
}

/** Writes an edge into a field of the header, a slot, or a record's header. */
function mutateField(random: Random, bytes: Buffer): void {
  const slotCount = bytes.length >= 16 ? bytes.readUInt32BE(12) : 0;
  const tableEnd = partHeaderBytes + slotCount * slotBytes;
  const fields = [4 * random.int(14)];
  if (slotCount > 0 && tableEnd < bytes.length) {
    fields.push(partHeaderBytes + 4 * random.int(2 * slotCount), partHeaderBytes + 4 * random.int(2 * slotCount));
    const slot = partHeaderBytes + slotBytes * random.int(slotCount);
    const record = bytes.readUInt32BE(slot + 4);
    if (record > 0) fields.push(record + 4, record + 8, record + recordHeaderBytes);
  }
  const at = random.pick(fields);
  if (at + 4 <= bytes.length) bytes.writeUInt32BE(edgeNear(random, bytes.readUInt32BE(at)), at);
}

/** Makes the sums of a changed file right again, so that what comes after them is reached: records, then header and table, then length. */
function refit(random: Random, bytes: Buffer): Buffer {
  if (bytes.length < partHeaderBytes) return bytes;
  const slotCount = bytes.readUInt32BE(12);
  const tableEnd = partHeaderBytes + slotCount * slotBytes;
  if (tableEnd > bytes.length) return bytes;
  if (random.chance(0.8)) bytes.writeUInt32BE(bytes.length, 16);
  if (random.chance(0.8)) {
    for (let slot = partHeaderBytes; slot < tableEnd; slot += slotBytes)
      refitRecord(bytes, bytes.readUInt32BE(slot + 4));
  }
  const header = crc32(bytes.subarray(0, headerCrcAt));
  bytes.writeUInt32BE(crc32(bytes.subarray(partHeaderBytes, tableEnd), header), headerCrcAt);
  return bytes;
}

function refitRecord(bytes: Buffer, position: number): void {
  if (position + recordHeaderBytes > bytes.length) return;
  const end = position + recordHeaderBytes + bytes.readUInt32BE(position + 4) + bytes.readUInt32BE(position + 8);
  if (position < partHeaderBytes || end > bytes.length) return;
  bytes.writeUInt32BE(crc32(bytes.subarray(position + 4, end)), position);
}

function seedsOf(kind: PartKind): readonly Uint8Array[] {
  const random = createRandom(kind === "part" ? 1 : 2);
  return [0, 1, 2, 7, 40, 180].map((count) => {
    const items = keysOf(count).map((key) => ({ key, canonical: canonicalJson(valueOf(random)) }));
    if (kind === "part") return buildPart(items).bytes;
    return buildLayer(items.map((item) => (random.chance(0.3) ? { ...item, canonical: null } : item))).bytes;
  });
}

function keysOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => (index % 5 === 0 ? `商品-${index}` : `sku-${index}`));
}

function valueOf(random: Random): JsonValue {
  if (random.chance(0.1)) return "x".repeat(random.int(2_000));
  return { price: random.int(10_000) / 100, name: "手机", tags: [null, true, random.int(9)] };
}
