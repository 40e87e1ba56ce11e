import type { ConfirmationBatch, RefusedRelease } from "@sluice/core/api";
import { expect, test } from "vitest";
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
