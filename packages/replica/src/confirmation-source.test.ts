import { createVirtualClock, limits, type VirtualClock } from "@sluice/core";
import { type Confirmation, type ConfirmationBatch, confirmationBatchSchema } from "@sluice/core/api";
import { expect, test } from "vitest";
import { type ConfirmationSource, confirmationJitterMs, createConfirmationSource } from "./confirmation-source.ts";

interface World {
  readonly clock: VirtualClock;
  readonly source: ConfirmationSource;
  /** What those behind have confirmed, by id. */
  readonly known: Map<string, Confirmation>;
  /** Says who follows, by id. */
  children(...ids: string[]): void;
  /** All that is sent now, each batch answered, as its bytes and what it says. */
  sent(): { readonly bytes: number; readonly batch: ConfirmationBatch }[];
}

function createWorld(): World {
  const clock = createVirtualClock();
  const known = new Map<string, Confirmation>();
  const source = createConfirmationSource({ clock, random: () => 0.5, wake: () => {} });
  return {
    clock,
    source,
    known,
    children(...ids) {
      const followers = ids.map((id) => ({ id, name: `shop@${id}`, kind: "sdk" as const }));
      source.children({ of: "sidecar-1", followers }, (id) => known.get(id));
    },
    sent() {
      clock.advance(confirmationJitterMs);
      const batches: ReturnType<World["sent"]> = [];
      for (let body = source.next(); body !== null; body = source.next()) {
        source.answered(202);
        batches.push({
          bytes: Buffer.byteLength(body),
          batch: confirmationBatchSchema.parse(JSON.parse(body)),
        });
      }
      return batches;
    },
  };
}

const confirmation = (follower: string, more: Partial<Confirmation> = {}): Confirmation => ({
  follower,
  applied: 7,
  reverted: [],
  prepared: [],
  ...more,
});

const saidBy = (world: World): readonly Confirmation[] => world.sent().flatMap(({ batch }) => batch.confirmations);

test("what a follower has confirmed is said again with the first list that names it, since before that nobody took it", () => {
  const world = createWorld();
  world.known.set("a", confirmation("a", { prepared: ["r1"] }));
  world.children("a");
  expect(world.sent()).toMatchObject([
    { batch: { confirmations: [confirmation("a", { prepared: ["r1"] })], children: { of: "sidecar-1" } } },
  ]);
  world.known.set("b", confirmation("b"));
  world.children("a", "b");
  expect(saidBy(world)).toEqual([confirmation("b")]);
});

test("at every new connection everybody's is said, as it is by then, and of who has confirmed nothing nothing", () => {
  const world = createWorld();
  world.children("a", "b");
  expect(saidBy(world)).toEqual([]);
  world.source.connected(false);
  const refused = [{ release: "r1", reason: "a price of 0" }];
  world.known.set("a", confirmation("a", { refused }));
  expect(saidBy(world)).toEqual([confirmation("a", { refused })]);
});

test("what is new and what is said again of one follower is said in one", () => {
  const world = createWorld();
  world.known.set("a", confirmation("a", { prepared: ["r1"] }));
  world.children("a");
  world.source.confirm(confirmation("a", { applied: 8, reverted: ["r0"] }));
  expect(saidBy(world)).toEqual([confirmation("a", { applied: 8, reverted: ["r0"], prepared: ["r1"] })]);
});

test("thousands of followers are said again in batches of at most half a mebibyte beside the list, what is new first", () => {
  const world = createWorld();
  const ids = Array.from({ length: limits.childrenMax }, (_, index) => `app-${index}`);
  const reverted = Array.from({ length: 20 }, (_, index) => `release-${index}`);
  for (const id of ids) world.known.set(id, confirmation(id, { reverted }));
  world.children(...ids);
  world.source.confirm(confirmation("app-9999", { applied: 8 }));
  const batches = world.sent();
  expect(batches.length).toBeGreaterThan(5);
  expect(batches[0]?.batch.confirmations[0]).toEqual(confirmation("app-9999", { applied: 8, reverted }));
  expect(new Set(batches.flatMap(({ batch }) => batch.confirmations).map(({ follower }) => follower)).size).toBe(
    ids.length,
  );
  const [, ...rest] = batches.map(({ bytes }) => bytes);
  expect(Math.max(...rest)).toBeLessThan(540_000);
  expect(Math.max(...batches.map(({ bytes }) => bytes))).toBeLessThan(limits.bodyBytesMax);
});

test("one that is larger than a batch goes alone, and keeps nobody from being heard", () => {
  const world = createWorld();
  const refused = Array.from({ length: 600 }, (_, index) => ({ release: `r${index}`, reason: "x".repeat(1_000) }));
  for (const id of ["a", "b", "c"]) world.known.set(id, confirmation(id, id === "b" ? { refused } : {}));
  world.children("a", "b", "c");
  expect(world.sent().map(({ batch }) => batch.confirmations.map(({ follower }) => follower))).toEqual([
    ["a"],
    ["b"],
    ["c"],
  ]);
});

test("what was on its way to an instance that is gone is said to the next one", () => {
  const world = createWorld();
  world.known.set("a", confirmation("a"));
  world.children("a");
  world.clock.advance(confirmationJitterMs);
  world.source.next();
  world.source.connected(false);
  world.source.lost();
  expect(saidBy(world)).toEqual([confirmation("a")]);
});

test("to an instance with another log nothing of the one before is confirmed, waiting, on its way or said again", () => {
  const world = createWorld();
  world.known.set("a", confirmation("a"));
  world.children("a");
  world.source.confirm(confirmation("me"));
  world.clock.advance(confirmationJitterMs);
  world.source.next();
  world.source.confirm(confirmation("me", { applied: 9 }));
  world.source.connected(true);
  world.source.lost();
  world.source.confirm(confirmation("a", { applied: 9 }));
  world.known.set("b", confirmation("b"));
  world.children("a", "b");
  expect(world.sent()).toMatchObject([{ batch: { confirmations: [], children: { followers: [{}, {}] } } }]);
  world.known.clear();
  world.known.set("a", confirmation("a", { applied: 2 }));
  world.source.caughtUp();
  world.source.confirm(confirmation("me", { applied: 2 }));
  expect(saidBy(world)).toEqual([confirmation("me", { applied: 2 }), confirmation("a", { applied: 2 })]);
});
