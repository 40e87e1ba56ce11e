import { canonicalJson, type JsonValue, murmur3, partIndexOf, priceChecks } from "@sluice/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  contentHashOf,
  createSampleOrigin,
  itemsNumbered,
  itemsOf,
  ndjsonOf,
  originWith,
  release,
} from "./publish/sample-origin.ts";

const hundred = itemsNumbered(100, (index) => ({ price: index + 0.5 }));

function text(index: number, letter: string): JsonValue {
  return { text: `${index}-${letter.repeat(10_000)}` };
}

test("the first version goes live, and every key reads what was published", async () => {
  const origin = await originWith();
  const answer = await origin.publish(hundred);
  expect(answer).toMatchObject({
    outcome: "live",
    number: 1,
    items: 100,
    contentHash: contentHashOf(hundred),
    release: null,
  });
  expect(answer.difference).toMatchObject({ added: 100, removed: 0, changed: 0, unchanged: 0 });
  expect(itemsOf(origin.lines().stable)).toEqual(hundred);
});

test("a later version is held with the difference and the next command, and stable stands", async () => {
  const origin = await originWith();
  await origin.publish(hundred);
  const { "sku-0": _removed, ...rest } = hundred;
  const answer = await origin.publish({ ...rest, "sku-1": { price: 9 }, "sku-new": { price: 1 } });
  expect(answer).toMatchObject({ outcome: "held", number: 2, release: null });
  expect(answer.difference).toMatchObject({ added: 1, removed: 1, changed: 1, unchanged: 98 });
  expect(answer.message).toContain("sluice release start prices");
  expect(itemsOf(origin.lines().stable)).toEqual(hundred);
  expect(itemsOf(origin.lines().candidate)).toEqual({ ...rest, "sku-1": { price: 9 }, "sku-new": { price: 1 } });
});

test("a version that asks for it starts a release, whose id names dataset and version", async () => {
  const origin = await originWith();
  await origin.publish(hundred);
  const answer = await origin.publish({ ...hundred, "sku-1": 2 }, { request: { ...release, thousandths: 5_000 } });
  expect(answer.outcome).toBe("started");
  expect(answer.release).toMatch(/^prices-v2-[0-9a-z]{4,}$/);
  expect(origin.state().releases[answer.release ?? ""]).toMatchObject({ thousandths: 5_000, candidatePublish: 2 });
});

test("whatever maps are published one after the other, each line reads its map and has its content hash", async () => {
  const values = fc
    .jsonValue({ maxDepth: 2 })
    .map((value) => JSON.parse(canonicalJson(value as JsonValue)) as JsonValue);
  const keys = fc.oneof(
    fc.integer({ min: 0, max: 30 }).map((n) => `sku-${n}`),
    fc.string({ unit: "grapheme", minLength: 1 }),
  );
  const maps = fc
    .array(fc.tuple(keys, values), { minLength: 1, maxLength: 60 })
    .map((pairs) => Object.fromEntries(pairs.filter(([key]) => !/\p{Cc}/u.test(key))))
    .filter((items) => Object.keys(items).length > 0);
  await fc.assert(
    fc.asyncProperty(fc.array(maps, { minLength: 1, maxLength: 5 }), async (versions) => {
      const origin = createSampleOrigin();
      await origin.createDataset({ policy: "immediate" });
      for (const items of versions) {
        const answer = await origin.publish(items);
        const { stable } = origin.lines();
        expect(answer.contentHash).toBe(contentHashOf(items));
        expect(stable?.contentHash).toBe(answer.contentHash);
        expect(itemsOf(stable)).toEqual(items);
        for (const key of Object.keys(items)) expect(stable?.get(key)).toBe(canonicalJson(items[key] as JsonValue));
      }
    }),
    { numRuns: 60 },
  );
});

test("few differences from the base lie over it and many make a new base, and both read the same", async () => {
  const shapes = fc.record({ items: fc.integer({ min: 1, max: 4_000 }), changed: fc.integer({ min: 0, max: 4_000 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(shapes, { minLength: 1, maxLength: 3 }), async (versions) => {
      const origin = createSampleOrigin();
      await origin.createDataset({ policy: "immediate" });
      await origin.publish(itemsNumbered(3_000, (index) => index));
      let base = itemsNumbered(3_000, (index) => index);
      for (const [round, { items: count, changed }] of versions.entries()) {
        const items = itemsNumbered(count, (index) => (index < changed ? `${round}-${index}` : index));
        const before = origin.lines().stable?.base;
        await origin.publish(items);
        const { stable } = origin.lines();
        const differences = Object.keys({ ...base, ...items }).filter((key) => base[key] !== items[key]).length;
        const overlaid = differences <= 1_000;
        expect(stable?.base.parts === before?.parts || [...(stable?.overlay() ?? [])].length > 0).toBe(overlaid);
        if (!overlaid) base = items;
        expect(stable?.contentHash).toBe(contentHashOf(items));
        expect(itemsOf(stable)).toEqual(items);
      }
    }),
    { numRuns: 8 },
  );
});

test("a new base keeps the parts that did not change under their names, and does not write them again", async () => {
  const written: string[] = [];
  const origin = await originWith({
    fate(write) {
      if (write.kind === "blob") written.push(write.name);
      return { durable: true, answer: "ok" };
    },
  });
  const items = itemsNumbered(1_500, (index) => text(index, "a"));
  await origin.publish(items);
  const before = origin.lines().stable?.base.parts.map(({ name }) => name) ?? [];
  expect(before).toHaveLength(8);
  written.length = 0;
  const changed = itemsNumbered(1_500, (index) => text(index, partIndexOf(murmur3(`sku-${index}`), 8) < 6 ? "b" : "a"));
  await origin.publish(changed);
  const after = origin.lines().candidate?.base.parts.map(({ name }) => name) ?? [];
  expect(after.map((name) => before.includes(name))).toEqual([...Array.from({ length: 6 }, () => false), true, true]);
  expect(written.filter((name) => before.includes(name))).toEqual([]);
  expect(itemsOf(origin.lines().candidate)).toEqual(changed);
});

test("a version that its checks refuse gets a number, and the error says what is wrong with which items", async () => {
  const origin = createSampleOrigin();
  await origin.createDataset({ checks: priceChecks });
  await origin.publish(hundred);
  const refused = origin.publish(itemsNumbered(100, (index) => ({ price: index < 3 ? -1 : index + 0.5 })));
  await expect(refused).rejects.toMatchObject({
    code: "CHECK_REFUSED",
    details: {
      number: 2,
      total: 3,
      problems: expect.arrayContaining([expect.objectContaining({ key: "sku-1", path: "/price" })]),
    },
  });
  expect(origin.state().datasets["prices"]).toMatchObject({
    lastNumber: 2,
    candidate: null,
    lastRefusal: { code: "CHECK_REFUSED", number: 2 },
  });
  expect((await origin.publish({ ...hundred, "sku-1": { price: 1.6 } })).number).toBe(3);
});

test("the same content again is unchanged: no version, no parts, no blob", async () => {
  const origin = await originWith();
  await origin.publish(hundred);
  const blobs = (await origin.store.blobs.list()).length;
  const reversed = ndjsonOf(hundred).trim().split("\n").toReversed().join("\n");
  expect(await origin.publish(reversed)).toMatchObject({ outcome: "unchanged", number: 1, difference: null });
  expect(origin.state().datasets["prices"]?.lastNumber).toBe(1);
  expect((await origin.store.blobs.list()).length).toBe(blobs);
});

test("a repeated publish of what is being released names its release", async () => {
  const origin = await originWith();
  await origin.publish(hundred);
  const started = await origin.publish({ ...hundred, "sku-1": 1 }, { request: release });
  const again = await origin.publish({ ...hundred, "sku-1": 1 }, { request: release });
  expect(again).toMatchObject({ outcome: "unchanged", number: 2, release: started.release });
});

test("a publish during a release is refused, unless it supersedes it", async () => {
  const origin = await originWith();
  await origin.publish(hundred);
  await origin.publish({ ...hundred, "sku-1": 1 }, { request: release });
  await expect(origin.publish({ ...hundred, "sku-1": 2 })).rejects.toMatchObject({ code: "RELEASE_RUNNING" });
  const answer = await origin.publish({ ...hundred, "sku-1": 2 }, { request: { ...release, supersede: true } });
  expect(answer).toMatchObject({ outcome: "started", number: 3 });
});

test("an upload over a patched line is compared with the patched values", async () => {
  const origin = await originWith();
  await origin.publish(hundred);
  await origin.patch({ key: "sku-1", value: { price: 77 } }, { key: "sku-2", remove: true });
  const { "sku-2": _gone, ...rest } = hundred;
  expect((await origin.publish({ ...rest, "sku-1": { price: 78 } })).difference).toMatchObject({
    added: 0,
    removed: 0,
    changed: 1,
  });
  expect(itemsOf(origin.lines().candidate)).toEqual({ ...rest, "sku-1": { price: 78 } });
  expect((await origin.publish(hundred)).difference).toMatchObject({ added: 1, removed: 0, changed: 1 });
});
