import {
  acceptSequence,
  createSequenceLog,
  createVirtualClock,
  failureFlushMs,
  outcomeFlushMs,
  paths,
  type VirtualClock,
} from "@sluice/core";
import {
  type ConfirmationBatch,
  confirmationBatchSchema,
  type OutcomeBatch,
  outcomeBatchSchema,
} from "@sluice/core/api";
import fc from "fast-check";
import { expect, test } from "vitest";
import { confirmationJitterMs } from "./confirmation-source.ts";
import type { Outcome } from "./outcome-tally.ts";
import { createReporter, type OwnReporter } from "./reporter.ts";
import { settle } from "./turns.testing.ts";

interface World {
  readonly clock: VirtualClock;
  readonly reporter: OwnReporter;
  readonly outcomes: OutcomeBatch[];
  readonly confirmations: ConfirmationBatch[];
  /** What the instance answers; 0 is a connection that breaks after the body arrived. */
  status: number;
}

function createWorld(random: () => number = () => 0.5): World {
  const clock = createVirtualClock();
  const outcomes: OutcomeBatch[] = [];
  const confirmations: ConfirmationBatch[] = [];
  const reporter = createReporter({
    id: "reporter-1",
    clock,
    random,
    async post(_url, path, body) {
      if (path === paths.outcomes) outcomes.push(outcomeBatchSchema.parse(JSON.parse(body)));
      else confirmations.push(confirmationBatchSchema.parse(JSON.parse(body)));
      if (world.status === 0) throw new Error("connection reset");
      return world.status;
    },
  });
  const world: World = { clock, reporter, outcomes, confirmations, status: 202 };
  reporter.connected("a", "1", false);
  return world;
}

const outcome = (change: Partial<Outcome> = {}): Outcome => ({
  release: "r1",
  epoch: 1,
  arm: "candidate",
  unit: 1,
  failure: null,
  ...change,
});
const requestsIn = (batches: readonly OutcomeBatch[]): number =>
  batches
    .flatMap(({ reports }) => reports)
    .flatMap(({ candidate, control }) => [candidate, control])
    .reduce((sum, arm) => sum + arm.ok + Object.values(arm.failures).reduce((all, { count }) => all + count, 0), 0);

async function pass(world: World, durationMs: number): Promise<void> {
  world.clock.advance(durationMs);
  await settle();
}

test("successes are sent together, 250 ms after the first", async () => {
  const world = createWorld();
  world.reporter.outcome(outcome());
  await pass(world, outcomeFlushMs - 1);
  world.reporter.outcome(outcome());
  expect(world.outcomes).toEqual([]);
  await pass(world, 1);
  expect(world.outcomes).toMatchObject([{ reporter: "reporter-1", sequence: 1, reports: [{ candidate: { ok: 2 } }] }]);
  expect(world.clock.nextInMs()).toBe(undefined);
});

test("views that were served are sent by themselves", async () => {
  const world = createWorld();
  world.reporter.served("r1", 3, "stable");
  await pass(world, outcomeFlushMs);
  expect(world.outcomes).toMatchObject([
    { reports: [{ release: "r1", epoch: 3, served: { candidate: 0, stable: 1 } }] },
  ]);
});

test.each(["candidate", "control"] as const)(
  "a failure in the %s arm is sent 20 ms later, with what waits already",
  async (arm) => {
    const world = createWorld();
    world.reporter.outcome(outcome({ arm: "control" }));
    await pass(world, 50);
    world.reporter.outcome(outcome({ arm, failure: "http" }));
    await pass(world, failureFlushMs - 1);
    expect(world.outcomes).toEqual([]);
    await pass(world, 1);
    expect(requestsIn(world.outcomes)).toBe(2);
  },
);

test("a failure late in the 250 ms makes nothing wait longer", async () => {
  const world = createWorld();
  world.reporter.outcome(outcome());
  await pass(world, outcomeFlushMs - 5);
  world.reporter.outcome(outcome({ failure: "http" }));
  await pass(world, 5);
  expect(requestsIn(world.outcomes)).toBe(2);
});

test("slow requests of either arm are in no hurry, a process's own or a follower's", async () => {
  for (const arm of ["candidate", "control"] as const) {
    const { reporter, clock, outcomes } = createWorld();
    reporter.outcome(outcome({ arm, failure: "slow" }));
    clock.advance(failureFlushMs);
    await settle();
    expect(outcomes).toHaveLength(0);
    clock.advance(outcomeFlushMs - failureFlushMs);
    await settle();
    expect(outcomes).toHaveLength(1);
    const [batch] = outcomes;
    if (batch === undefined) throw new Error("a batch was sent");
    reporter.merge({ ...batch, reporter: "follower-1" });
    clock.advance(failureFlushMs);
    await settle();
    expect(outcomes).toHaveLength(1);
  }
});

test("when outcomes are sent does not depend on their arm", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ afterMs: fc.nat(120), failed: fc.boolean(), unit: fc.nat(9) }), { maxLength: 30 }),
      async (story) => {
        const times = async (arm: Outcome["arm"]): Promise<number[]> => {
          const world = createWorld();
          const sentAt: number[] = [];
          for (const { afterMs, failed, unit } of story) {
            for (let ms = 0; ms < afterMs; ms++) {
              const before = world.outcomes.length;
              world.clock.advance(1);
              await Promise.resolve();
              if (world.outcomes.length > before) sentAt.push(world.clock.now());
            }
            world.reporter.outcome(outcome({ arm, unit, failure: failed ? "http" : null }));
          }
          return sentAt;
        };
        expect(await times("candidate")).toEqual(await times("control"));
      },
    ),
    { numRuns: 30 },
  );
});

test("an outcome counts once however many answers are lost", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ outcomes: fc.nat(5), status: fc.constantFrom(202, 0, 500, 503), afterMs: fc.nat(400) }), {
        maxLength: 30,
      }),
      async (story) => {
        const world = createWorld();
        let happened = 0;
        for (const { outcomes, status, afterMs } of story) {
          world.status = status;
          for (let count = 0; count < outcomes; count++) world.reporter.outcome(outcome({ unit: happened++ }));
          await pass(world, afterMs);
        }
        world.status = 202;
        for (let waits = 0; waits < 20; waits++) await pass(world, 6_000);
        const seen = createSequenceLog();
        const counted = world.outcomes.filter(({ reporter, sequence }) => acceptSequence(seen, reporter, sequence));
        expect(requestsIn(counted)).toBe(happened);
        // A repeated batch is the same batch.
        for (const batch of world.outcomes) {
          expect(counted).toContainEqual(batch);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("what no instance answered is dropped on failover and counted as lost, what waits goes to the new one", async () => {
  const world = createWorld();
  world.status = 0;
  world.reporter.outcome(outcome({ unit: 1, failure: "http" }));
  await pass(world, failureFlushMs);
  world.reporter.outcome(outcome({ unit: 2, failure: "http" }));
  world.status = 202;
  world.reporter.connected("b", "1", false);
  await pass(world, failureFlushMs);
  expect(world.outcomes.map(({ sequence, reports }) => [sequence, reports[0]?.candidate.units])).toEqual([
    [1, [1]],
    [2, [2]],
  ]);
  expect(world.reporter.counts()).toMatchObject({ lostBatches: 1 });
});

test("outcomes that happen before there is an instance are kept, merged, and sent when there is one", async () => {
  const clock = createVirtualClock();
  const bodies: OutcomeBatch[] = [];
  const reporter = createReporter({
    id: "reporter-1",
    clock,
    random: () => 0,
    async post(_url, _path, body) {
      bodies.push(outcomeBatchSchema.parse(JSON.parse(body)));
      return 202;
    },
  });
  for (let count = 0; count < 10_000; count++) reporter.outcome(outcome());
  clock.advance(60_000);
  reporter.outcome(outcome());
  reporter.connected("a", "1", false);
  await settle();
  expect(bodies).toMatchObject([{ sequence: 1, reports: [{ candidate: { ok: 10_001 } }] }]);
});

test("many releases at a time go in several batches", async () => {
  const world = createWorld();
  for (let count = 0; count < 150; count++) world.reporter.outcome(outcome({ release: `r${count}` }));
  await pass(world, outcomeFlushMs);
  expect(world.outcomes.map(({ sequence, reports }) => [sequence, reports.length])).toEqual([
    [1, 64],
    [2, 64],
    [3, 22],
  ]);
});

const batch = (reporter: string, sequence: number, failed: boolean): OutcomeBatch => {
  const failures = { http: { count: 1, distinct: 1 } };
  return {
    reporter,
    sequence,
    reports: [
      {
        release: "r1",
        epoch: 1,
        candidate: { ok: 1, failures: failed ? failures : {}, units: failed ? [sequence] : [] },
        control: { ok: 2, failures: {}, units: [] },
        served: { candidate: 1, stable: 2 },
      },
    ],
  };
};

test("followers' batches are sent on merged under an own id and sequence, and a repeated one counts once", async () => {
  const world = createWorld();
  expect(world.reporter.merge(batch("app-1", 1, false))).toBe(true);
  expect(world.reporter.merge(batch("app-2", 1, false))).toBe(true);
  expect(world.reporter.merge(batch("app-1", 1, false))).toBe(false);
  await pass(world, outcomeFlushMs);
  expect(world.outcomes).toMatchObject([
    {
      reporter: "reporter-1",
      sequence: 1,
      reports: [{ candidate: { ok: 2 }, control: { ok: 4 }, served: { candidate: 2, stable: 4 } }],
    },
  ]);
});

test("a follower's failures are sent on as soon as own ones", async () => {
  const world = createWorld();
  world.reporter.merge(batch("app-1", 5, true));
  world.reporter.merge(batch("app-2", 6, true));
  await pass(world, failureFlushMs);
  expect(world.outcomes).toMatchObject([
    { reports: [{ candidate: { ok: 2, failures: { http: { count: 2, distinct: 2 } }, units: [5, 6] } }] },
  ]);
});

test("a revert is confirmed at once, anything else within the jitter", async () => {
  const world = createWorld();
  world.reporter.confirm({ follower: "app-1", applied: 4, reverted: [], prepared: ["r1"] });
  await pass(world, confirmationJitterMs / 2 - 1);
  expect(world.confirmations).toEqual([]);
  await pass(world, 1);
  expect(world.confirmations.length).toBe(1);
  world.reporter.confirm({ follower: "app-1", applied: 5, reverted: ["r1"], prepared: [] });
  await settle();
  expect(world.confirmations.length).toBe(2);
});

test("confirmations of one follower are merged, those of others stand beside them", async () => {
  const world = createWorld();
  world.reporter.confirm({ follower: "app-1", applied: 5, reverted: [], prepared: ["r1"] });
  world.reporter.confirm({ follower: "app-1", applied: 4, reverted: [], prepared: ["r2"] });
  world.reporter.confirm({ follower: "app-2", applied: 1, reverted: [], prepared: [] });
  await pass(world, confirmationJitterMs);
  expect(world.confirmations).toEqual([
    {
      confirmations: [
        { follower: "app-1", applied: 5, reverted: [], prepared: ["r1", "r2"] },
        { follower: "app-2", applied: 1, reverted: [], prepared: [] },
      ],
      children: null,
    },
  ]);
});

test("a confirmation that was not answered is said to the next instance, and children are named again", async () => {
  const world = createWorld();
  const children = { of: "sidecar-1", followers: [{ id: "app-1", name: "checkout", kind: "sdk" as const }] };
  world.reporter.children(children, () => undefined);
  await pass(world, confirmationJitterMs);
  expect(world.confirmations).toEqual([{ confirmations: [], children }]);
  world.status = 0;
  const confirmation = { follower: "app-1", applied: 5, reverted: ["r1"], prepared: [] };
  world.reporter.confirm(confirmation);
  await settle();
  world.status = 202;
  world.reporter.connected("b", "1", false);
  await pass(world, confirmationJitterMs);
  expect(world.confirmations.at(-1)).toEqual({ confirmations: [confirmation], children });
  world.reporter.confirm(confirmation);
  await settle();
  expect(world.confirmations.at(-1)?.children).toBe(null);
});

test("who says goodbye is named upward with the next batch, and again where nobody answered", async () => {
  const world = createWorld();
  world.status = 0;
  world.reporter.left(["app-1"]);
  await pass(world, confirmationJitterMs);
  world.status = 202;
  world.reporter.left(["app-2"]);
  world.reporter.connected("b", "1", false);
  await pass(world, confirmationJitterMs);
  expect(world.confirmations.at(-1)).toEqual({ confirmations: [], children: null, left: ["app-2", "app-1"] });
  world.reporter.confirm({ follower: "app-3", applied: 5, reverted: [], prepared: [] });
  await pass(world, confirmationJitterMs);
  expect(world.confirmations.at(-1)).not.toHaveProperty("left");
});

test("a flush waits for no timer", async () => {
  const world = createWorld();
  world.reporter.outcome(outcome());
  world.reporter.confirm({ follower: "app-1", applied: 5, reverted: [], prepared: [] });
  await world.reporter.flush();
  expect([world.outcomes.length, world.confirmations.length]).toEqual([1, 1]);
  expect(world.clock.nextInMs()).toBe(undefined);
  // What comes after a flush is sent like anything else.
  world.reporter.outcome(outcome());
  await pass(world, outcomeFlushMs);
  expect(world.outcomes.length).toBe(2);
});

test("a closed reporter leaves no timer", () => {
  const world = createWorld();
  world.reporter.outcome(outcome());
  world.reporter.confirm({ follower: "app-1", applied: 5, reverted: [], prepared: [] });
  world.reporter.close();
  world.reporter.outcome(outcome({ failure: "http" }));
  world.reporter.confirm({ follower: "app-1", applied: 6, reverted: [], prepared: [] });
  expect(world.clock.nextInMs()).toBe(undefined);
});
