import type { ConfirmationBatch, RefusedRelease } from "@sluice/core/api";
import { expect, test } from "vitest";
import { unknownMsMax } from "./blob-fetcher.ts";
import { settle } from "./turns.testing.ts";
import { createStartedWorld, itemsOf, type World } from "./world.testing.ts";

/** What the replica has refused so far, in the order in which it said so. */
function refusedOf({ origin }: World): readonly RefusedRelease[] {
  const batches: readonly ConfirmationBatch[] = origin.confirmations;
  return batches.flatMap(({ confirmations }) => confirmations.flatMap(({ refused = [] }) => refused));
}

const flipped = (bytes: Uint8Array): Uint8Array => {
  const wrong = Buffer.from(bytes);
  wrong[wrong.length - 1] = (wrong[wrong.length - 1] ?? 0) ^ 1;
  return wrong;
};

/** Publishes a candidate and begins its release, as the origin tells it. */
async function release(world: World): Promise<void> {
  const published = await world.log.publish("prices", itemsOf({ a: 2 }), false);
  world.origin.send(published, world.log.release("prices", "r1"));
  await settle();
}

test("a candidate whose bytes are wrong, and wrong again when they are fetched anew, is refused once with the reason", async () => {
  const world = await createStartedWorld({ app: "checkout" });
  world.origin.tamper = flipped;
  await release(world);
  expect(refusedOf(world)).toEqual([]);
  await world.pass(1_000);
  await world.pass(5_000);
  expect(refusedOf(world)).toEqual([
    { release: "r1", app: "checkout", reason: expect.stringMatching(/^checkout cannot prepare it: prices v2: /) },
  ]);
  // It is read all the same once it has come whole.
  world.origin.tamper = (bytes) => bytes;
  await world.pass(60_000);
  expect(world.shown().candidate).toEqual(itemsOf({ a: 2 }));
});

test("a candidate whose bytes were wrong once is no word worth", async () => {
  const world = await createStartedWorld();
  let wrongs = 0;
  world.origin.tamper = (bytes) => (wrongs++ === 0 ? flipped(bytes) : bytes);
  await release(world);
  await world.pass(5_000);
  expect(world.shown().candidate).toEqual(itemsOf({ a: 2 }));
  expect(refusedOf(world)).toEqual([]);
});

test("a candidate that does not come to the content that was published, the whole state included, is refused", async () => {
  const world = await createStartedWorld();
  const { log, origin } = world;
  const published = await log.publish("prices", itemsOf({ a: 2 }), false);
  const { event } = published;
  if (event.type !== "version-published") throw new Error("a publish publishes");
  const content = { ...event.content, items: 7 };
  const { whole } = origin;
  origin.whole = async () => {
    const frame = await whole();
    const prices = frame.lines["prices"];
    if (prices === undefined) throw new Error("the state has the prices");
    return { ...frame, lines: { ...frame.lines, prices: { ...prices, candidate: content } } };
  };
  origin.send({ ...published, event: { ...event, content } }, log.release("prices", "r1"));
  await settle();
  expect(refusedOf(world)).toEqual([]);
  await world.pass(5_000);
  expect(refusedOf(world)).toEqual([
    { release: "r1", reason: expect.stringContaining("cannot prepare it: prices v2") },
  ]);
  expect(world.shown().candidate).toBe(null);
});

test("a stable version that cannot be prepared refuses nothing", async () => {
  const world = await createStartedWorld();
  world.origin.tamper = flipped;
  world.origin.send(await world.log.publish("prices", itemsOf({ a: 2 }), true));
  await settle();
  await world.pass(10_000);
  expect(refusedOf(world)).toEqual([]);
});

/** Withholds every blob that has not been given out; the stream stays connected meanwhile. Counts the whole states that are asked for. */
function withholding(world: World): { pass: (durationMs: number) => Promise<void>; wholeStates: () => number } {
  const { origin } = world;
  const { whole } = origin;
  let wholeStates = 0;
  origin.withheld = () => true;
  origin.whole = () => {
    wholeStates++;
    return whole();
  };
  return {
    async pass(durationMs) {
      for (let passed = 0; passed < durationMs; passed += 1_000) {
        await world.pass(1_000);
        origin.heartbeat();
      }
      await settle();
    },
    wholeStates: () => wholeStates,
  };
}

test("a candidate of which the instance has had nothing twice for half a minute, the whole state in between, is refused with what is missing", async () => {
  const world = await createStartedWorld({ app: "checkout" });
  const { pass, wholeStates } = withholding(world);
  await release(world);
  await pass(unknownMsMax - 6_000);
  expect(wholeStates()).toBe(0);
  await pass(12_000);
  // What it stands on may have become another base meanwhile: the whole state is asked for first.
  expect(wholeStates()).toBe(1);
  await pass(unknownMsMax - 12_000);
  expect(refusedOf(world)).toEqual([]);
  await pass(20_000);
  const reason = expect.stringMatching(
    /^checkout cannot prepare it: prices v2: http:\/\/a\/v1\/blobs\/[0-9a-f]{64} is not there \(status 404\)$/,
  );
  expect(refusedOf(world)).toEqual([{ release: "r1", app: "checkout", reason }]);
  await pass(10 * unknownMsMax);
  // Each new connection hears of it once more, and of nothing else.
  expect(new Set(refusedOf(world).map((refused) => JSON.stringify(refused))).size).toBe(1);
  // It is read all the same once it is there.
  world.origin.withheld = () => false;
  await pass(10_000);
  expect(world.shown().candidate).toEqual(itemsOf({ a: 2 }));
});

test("a candidate whose blob is late is not refused while the instance cannot say whether it still stands on it", async () => {
  const world = await createStartedWorld();
  const { pass, wholeStates } = withholding(world);
  const { origin } = world;
  await release(world);
  const { whole } = origin;
  origin.whole = async () => {
    await whole();
    return new Promise(() => {});
  };
  await pass(5 * unknownMsMax);
  expect(wholeStates()).toBeGreaterThan(0);
  expect(refusedOf(world)).toEqual([]);
  origin.withheld = () => false;
  await pass(10_000);
  expect(world.shown().candidate).toEqual(itemsOf({ a: 2 }));
});
