import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type BaseRef,
  buildLayer,
  buildPart,
  type Content,
  createContentHash,
  createVirtualClock,
  hiddenBy,
  itemHash,
  murmur3,
  partIndexOf,
  sumOfBase,
} from "@sluice/core";
import { createDirectoryBlobs, createShelf, type ReadableVersion, type Shelf } from "@sluice/replica";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ItemCache, type LineRef } from "./item-cache.ts";

const itemCount = 2_000;
const budgetItems = itemCount / 20;
const partCount = 4;
/** One in a hundred has another value in the candidate. */
const changedEvery = 100;

const keyOf = (index: number): string => `sku-${index}`;
const textOf = (index: number, edition: number): string =>
  JSON.stringify({ edition, price: index, text: "x".repeat(index % 50) });

let directory: string;
let shelf: Shelf;
let stable: ReadableVersion;
let candidate: ReadableVersion;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "sluice-budget-"));
  const blobs = createDirectoryBlobs(directory, "test");
  shelf = createShelf({ blobs, clock: createVirtualClock() });
  const items = Array.from({ length: itemCount }, (_, index) => ({ key: keyOf(index), canonical: textOf(index, 1) }));
  const parts: BaseRef["parts"][number][] = [];
  for (let part = 0; part < partCount; part++) {
    const built = buildPart(items.filter(({ key }) => partIndexOf(murmur3(key), partCount) === part));
    await blobs.put(built.name, built.bytes);
    parts.push({
      name: built.name,
      bytes: built.bytes.byteLength,
      items: built.itemCount,
      contentHash: built.contentHash,
    });
  }
  const base: BaseRef = { parts, layers: [] };
  stable = shelf.open(contentOf(base), 1);

  const changed = items.filter((_, index) => index % changedEvery === 0);
  const layer = buildLayer(changed.map(({ key }, at) => ({ key, canonical: textOf(at * changedEvery, 2) })));
  await blobs.put(layer.name, layer.bytes);
  const above = createContentHash(stable.contentHash);
  for (const { key, canonical } of changed) above.subtract(itemHash(key, canonical));
  above.addHash(layer.contentHash);
  const refs = { contentHash: layer.contentHash, items: layer.itemCount };
  const hidden = hiddenBy(refs, stable, { contentHash: above.hex(), items: itemCount });
  const ref = { name: layer.name, bytes: layer.bytes.byteLength, records: layer.recordCount, ...refs, hidden };
  candidate = shelf.open(contentOf({ parts, layers: [ref] }), 2);
});

afterAll(() => {
  shelf.close();
  rmSync(directory, { recursive: true, force: true });
});

function contentOf(base: BaseRef): Content {
  return { base, overlay: null, ...sumOfBase(base) };
}

function expected(index: number, edition: 1 | 2): unknown {
  return JSON.parse(textOf(index, edition === 2 && index % changedEvery === 0 ? 2 : 1));
}

function held(line: LineRef | null): LineRef {
  if (line === null) throw new Error("no line");
  return line;
}

/** Uniform draws, and draws of which a tenth of the items has most: what a cache is for. */
const drawsArbitrary = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: itemCount - 1 }),
    fc.double({ min: 0, max: 1, noNaN: true }).map((share) => Math.floor((itemCount - 1) * share ** 4)),
  ),
  { minLength: 1, maxLength: 600 },
);
const limitsArbitrary = fc.record({
  itemsMax: fc.integer({ min: 1, max: budgetItems }),
  bytesMax: fc.option(fc.integer({ min: 1, max: 4_000 })),
});

test("the budget of decoded items and bytes holds after every read of twenty times as many, and no read is wrong for it", () => {
  fc.assert(
    fc.property(drawsArbitrary, limitsArbitrary, (draws, { itemsMax, bytesMax }) => {
      const cache = new ItemCache({ decode: (text) => JSON.parse(text) as unknown, itemsMax, bytesMax });
      const lines = cache.advance({ stable, candidate }, () => []);
      const [control, other] = [held(lines.stable), held(lines.candidate)];
      for (const [step, index] of draws.entries()) {
        const isCandidate = step % 3 === 0;
        const [line, beside] = isCandidate ? [other, control] : [control, other];
        const entry = cache.find(line, step % 2 === 0 ? beside : null, keyOf(index));
        expect(entry.value(line.slot)).toEqual(expected(index, isCandidate ? 2 : 1));
        if (step % 2 === 0) expect(entry.differs).toBe(index % changedEvery === 0);
        expect(cache.items).toBeLessThanOrEqual(itemsMax);
        if (bytesMax !== null) expect(cache.bytes).toBeLessThanOrEqual(bytesMax);
      }
    }),
    { numRuns: 60 },
  );
});

test("two versions in memory cost one and what differs", () => {
  let decoded = 0;
  const decode = (text: string): unknown => {
    decoded++;
    return JSON.parse(text) as unknown;
  };
  const cache = new ItemCache({ decode, itemsMax: itemCount, bytesMax: null });
  const lines = cache.advance({ stable, candidate }, () => []);
  const [control, other] = [held(lines.stable), held(lines.candidate)];
  let changedBytes = 0;
  let bytes = 0;
  for (let index = 0; index < itemCount; index++) {
    const key = keyOf(index);
    const value = cache.find(control, other, key).value(control.slot);
    const its = cache.find(other, control, key).value(other.slot);
    const isChanged = index % changedEvery === 0;
    expect(its === value).toBe(!isChanged);
    bytes += textOf(index, 1).length;
    if (isChanged) changedBytes += textOf(index, 2).length;
  }
  expect(decoded).toBe(itemCount + itemCount / changedEvery);
  expect(cache.items).toBe(itemCount);
  expect(cache.bytes).toBe(bytes + changedBytes);
});
