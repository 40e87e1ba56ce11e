import { expect, test } from "vitest";
import type { PublishProgress } from "./publish/port.ts";
import { publishesRunningMax, publishesWaitingMax } from "./publisher.ts";
import { bodyOf, type Items, itemsNumbered, ndjsonOf, originWith, release } from "./publish/sample-origin.ts";

const hundred = itemsNumbered(100, (index) => ({ price: index + 0.5 }));

async function nobodyActs(): Promise<void> {}

test("bad file, patches, revert, the same file three times, then the corrected one", async () => {
  const origin = await originWith();
  const good = itemsNumbered(50, (index) => ({ price: index + 1 }));
  const bad = itemsNumbered(50, (index) => (index < 20 ? { price: index + 100 } : { price: index + 1 }));
  await origin.publish(good);
  await origin.publish(bad, { request: release });
  for (let index = 0; index < 20; index++) {
    await origin.patch({ key: `sku-${40 + (index % 10)}`, merge: { price: 500 + index } });
  }
  await origin.revert();
  const before = origin.state().sequence;

  for (let offered = 1; offered <= 3; offered++) {
    await expect(origin.publish(bad, { request: release })).rejects.toMatchObject({ code: "QUARANTINED" });
    expect(origin.state().sequence).toBe(before + offered);
    expect(origin.state().datasets["prices"]?.lastRefusal).toMatchObject({ code: "QUARANTINED", number: null });
  }
  // The same items in another order are other bytes and the same content.
  await expect(origin.publish(Object.fromEntries(Object.entries(bad).toReversed()))).rejects.toMatchObject({
    code: "QUARANTINED",
  });

  const corrected = { ...bad, "sku-0": { price: 1 }, "sku-1": { price: 2 } };
  const answer = await origin.publish(corrected, { request: release });
  // 18 of the bad prices are there still; the ten patched ones are taken back, which no mark knows of.
  expect(answer).toMatchObject({ outcome: "held", quarantinedChanges: { count: 18, of: 28, publish: 2 } });
  expect(answer.message).toContain("18 of 28 changes to prices were in reverted v2");
  expect(origin.state().datasets["prices"]?.release).toBeNull();
  const accepted = { ...corrected, "sku-2": { price: 3 } };
  expect((await origin.publish(accepted, { request: { ...release, acceptQuarantined: true } })).outcome).toBe(
    "started",
  );
});

test("keys that a person lifted do not count, and a mark lifted whole lets the content in", async () => {
  const origin = await originWith();
  await origin.publish(hundred);
  const bad: Items = { ...hundred, "sku-1": 1, "sku-2": 2 };
  const { number } = await origin.publish(bad, { request: release });
  await origin.revert();
  const lift = { type: "lift-quarantine", dataset: "prices", publish: number, reason: "looked at" } as const;
  await origin.give({ ...lift, keys: ["sku-1"] });
  expect((await origin.publish({ ...bad, "sku-3": 3 })).quarantinedChanges).toEqual({
    count: 1,
    of: 3,
    publish: number,
  });
  await origin.give({ ...lift, keys: null });
  expect((await origin.publish(bad, { request: release })).outcome).toBe("started");
});

test("the stable version changing meanwhile has the upload compared again, and the difference is that of the new one", async () => {
  let between = nobodyActs;
  const linesWithContent = async (): Promise<number[]> => {
    await between();
    return [];
  };
  const origin = await originWith({ log: { linesWithContent, remembered: async () => undefined } });
  await origin.publish(hundred);
  const { release: id } = await origin.publish({ ...hundred, "sku-1": 7 }, { request: release });
  const promote = { type: "promote", release: id ?? "", epoch: null } as const;
  let asked = 0;
  between = async () => {
    // Between the comparison and the command somebody ends the release.
    if (asked++ === 0) for (let step = 0; step < 2; step++) await origin.give(promote);
  };
  const answer = await origin.publish({ ...hundred, "sku-2": 8 });
  expect(answer).toMatchObject({ outcome: "held", number: 3 });
  expect(answer.difference).toMatchObject({ changed: 2 });
  expect(asked).toBe(2);
});

test("every blob is there before the command that names it", async () => {
  const writes: string[] = [];
  const origin = await originWith({
    fate(write) {
      writes.push(write.kind);
      return { durable: true, answer: "ok" };
    },
  });
  await origin.publish(hundred);
  await origin.publish({ ...hundred, "sku-1": 1 });
  // The dataset; the part and the version; the changes and the version, whose overlay lies in it.
  expect(writes).toEqual(["append", "blob", "append", "blob", "append"]);
});

test("a full disk refuses the publish, the version before stands, and the next publish works", async () => {
  let full = false;
  const origin = await originWith({
    fate: () => (full ? { durable: false, answer: "DISK_FULL" } : { durable: true, answer: "ok" }),
  });
  await origin.publish(hundred);
  full = true;
  await expect(origin.publish({ ...hundred, "sku-1": 1 })).rejects.toMatchObject({ code: "DISK_FULL" });
  full = false;
  expect(origin.state().datasets["prices"]).toMatchObject({ lastNumber: 1, candidate: null });
  expect((await origin.publish({ ...hundred, "sku-1": 1 })).number).toBe(2);
});

test("progress counts bytes and items, then shares of comparing and writing; a first version is compared with nothing", async () => {
  const origin = await originWith();
  const courseOf = async (items: Items): Promise<readonly PublishProgress[]> => {
    const progress: PublishProgress[] = [];
    await origin.publish(items, { onProgress: (step) => progress.push(step) });
    return progress;
  };
  const bytes = ndjsonOf(hundred).length;
  const first = await courseOf(hundred);
  expect(first.find(({ phase, bytes: read }) => phase === "reading" && read === bytes)).toBeDefined();
  expect(first.some(({ phase }) => phase === "comparing")).toBe(false);
  expect(first.at(-1)).toEqual({ phase: "writing", bytes, items: 100, share: 1 });
  const second = await courseOf(Object.fromEntries(Object.entries(hundred).toReversed().slice(1)));
  const compared = { phase: "comparing", items: 99, share: 1 };
  expect(second.findLast(({ phase }) => phase === "comparing")).toMatchObject(compared);
  expect(second.at(-1)).toMatchObject({ ...compared, phase: "writing" });
});

test("a publish lets the event loop have its turns, and a signal ends it at the next one", async () => {
  const origin = await originWith();
  const many = itemsNumbered(20_000, (index) => ({ price: index, title: "x".repeat(50) }));
  await origin.publish(many);
  // Two megabytes are read and looked at a few times over, 64 KiB at a time.
  expect(origin.turns()).toBeGreaterThan(60);
  const controller = new AbortController();
  const publish = origin.publish(
    { ...many, "sku-1": 1 },
    {
      signal: controller.signal,
      onProgress: ({ phase }) => phase === "comparing" && controller.abort(),
    },
  );
  await expect(publish).rejects.toMatchObject({ code: "CLOSED" });
  expect(origin.state().datasets["prices"]).toMatchObject({ lastNumber: 1, candidate: null });
});

test("a publisher that closes ends what it is at and what waits", async () => {
  const origin = await originWith();
  const { promise: stalled, resolve } = Promise.withResolvers<void>();
  async function* slow(): AsyncGenerator<Uint8Array> {
    yield* bodyOf(ndjsonOf(itemsNumbered(3_000, (index) => index)));
    await stalled;
    yield* bodyOf(ndjsonOf({ a: 1 }));
  }
  const running = origin.publish("", { body: slow() });
  const waiting = origin.publish(hundred);
  const closed = origin.publisher.close();
  await expect(waiting).rejects.toMatchObject({ code: "CLOSED" });
  resolve();
  await expect(running).rejects.toMatchObject({ code: "CLOSED" });
  await closed;
});

test("more publishes than may wait are refused, and those that wait have their turns in order", async () => {
  const origin = await originWith();
  const { promise: stalled, resolve } = Promise.withResolvers<void>();
  async function* slow(): AsyncGenerator<Uint8Array> {
    await stalled;
    yield* bodyOf(ndjsonOf({ a: 0 }));
  }
  const running = origin.publish("", { body: slow() });
  const waiting = Array.from({ length: publishesWaitingMax }, (_, index) => origin.publish({ a: index + 1 }));
  await expect(origin.publish({ a: -1 })).rejects.toMatchObject({ code: "NOT_READY" });
  resolve();
  expect((await running).number).toBe(1);
  expect((await Promise.all(waiting)).map(({ number }) => number)).toEqual(waiting.map((_, index) => index + 2));
});

test("two datasets publish at a time, a third waits", async () => {
  const origin = await originWith();
  for (const name of ["stock", "flags"]) await origin.createDataset({ name });
  const begun: string[] = [];
  const { promise: stalled, resolve } = Promise.withResolvers<void>();
  const publishes = ["prices", "stock", "flags"].map((dataset) => {
    async function* slow(): AsyncGenerator<Uint8Array> {
      begun.push(dataset);
      await stalled;
      yield* bodyOf(ndjsonOf({ a: 1 }));
    }
    return origin.publish("", { dataset, body: slow() });
  });
  // One that could only begin after the first two.
  const unknown = origin.publish("", { dataset: "none" });
  await expect(unknown).rejects.toMatchObject({ code: "DATASET_UNKNOWN" });
  expect(begun).toHaveLength(publishesRunningMax);
  resolve();
  await Promise.all(publishes);
  expect(begun).toEqual(["prices", "stock", "flags"]);
});
