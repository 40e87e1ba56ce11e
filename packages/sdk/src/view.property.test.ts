import {
  bucketOf,
  createVirtualClock,
  everybodyThousandths,
  isSluiceError,
  own,
  statusOf,
  unreachable,
} from "@sluice/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createReplicaClient } from "./client.ts";
import { createMemoryReplica } from "./memory-replica.ts";
import type { View } from "./view.ts";

// A Map for each version, made apart from the versions that are read, says what a view has to give.
type Model = ReadonlyMap<string, unknown>;
type Items = { readonly prices: unknown };

const keys = ["a", "b", "c", "d"] as const;
const users = ["u0", "u1", "u2", "u3", "u4", "u5", "u6", "u7"] as const;

const key = fc.constantFrom(...keys);
const item = fc.integer({ min: 0, max: 2 }).map((price) => ({ price }));
const thousandths = fc.constantFrom(0, 30_000, 60_000, 100_000);
const index = fc.nat({ max: 5 });
const failure = fc.option(fc.constantFrom("error", "below-cost"));
const user = fc.option(fc.constantFrom(...users), { nil: undefined, freq: 6 });

// How often a step is drawn is chosen so that most of a history is taken up, and something is read between any two changes.
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      items: fc.dictionary(key, item, { minKeys: 1 }),
      thousandths: fc.option(thousandths),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("patch" as const),
      items: fc.dictionary(key, item, { maxKeys: 2 }),
      remove: fc.subarray([...keys], { maxLength: 1 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("start" as const), thousandths }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("percentage" as const), thousandths }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("promote" as const, "promote" as const, "revert" as const) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("mark" as const, "reload" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("lease" as const), held: fc.constantFrom(true, true, false) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("unprepared" as const), is: fc.constantFrom(true, false, false) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("cut-off" as const), is: fc.constantFrom(true, false, false) }) },
  { weight: 12, arbitrary: fc.record({ do: fc.constant("view" as const), user }) },
  {
    weight: 30,
    arbitrary: fc.record({ do: fc.constant("read" as const), index, key, ofHas: fc.nat(9).map((n) => n === 0) }),
  },
  { weight: 10, arbitrary: fc.record({ do: fc.constant("read-all" as const), index }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("walk" as const), index }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("end" as const), index, failure }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** A view beside what the model says of it. */
interface Watched {
  readonly view: View<Items>;
  readonly reads: Model;
  readonly other: Model | undefined;
  readonly release: string | undefined;
  readonly arm: "candidate" | "control" | null;
  readonly unit: number;
  readonly epoch: number;
  readonly counted: boolean;
  touched: boolean;
  ended: boolean;
}

/** Plays one history and compares every answer with the model's. */
function play(steps: readonly Step[], cacheItemsMax: number, cacheBytesMax: number | null): void {
  const replica = createMemoryReplica({ clock: createVirtualClock() });
  replica.createDataset("prices");
  replica.publish("prices", { a: { price: 0 }, b: { price: 0 }, c: { price: 0 }, d: { price: 0 } });
  const client = createReplicaClient<Items>(replica, {
    schemas: { prices: null },
    cacheItemsMax,
    cacheBytesMax,
    readyTimeoutMs: 1,
    viewMaxAgeMs: 1_000_000,
    staleAfterMs: 1_000_000,
    clock: createVirtualClock(),
  });
  // By content: the model takes the replica's word for which version is prepared, and nothing else from it.
  const models = new Map<string, Model>();
  const remember = (): void => {
    for (const line of Object.values(replica.snapshot().datasets.get("prices") ?? {})) {
      const version = line as { contentHash: string; entries(): Iterable<readonly [string, string]> } | null;
      if (version === null || models.has(version.contentHash)) continue;
      models.set(version.contentHash, new Map([...version.entries()].map(([name, text]) => [name, JSON.parse(text)])));
    }
  };
  const views: Watched[] = [];
  const expectedOutcomes: unknown[] = [];
  const current = (): string | null => own(replica.snapshot().state.datasets, "prices")?.release ?? null;

  const makeView = (user: string | undefined): void => {
    const { state, datasets, marks } = replica.snapshot();
    const dataset = own(state.datasets, "prices");
    const { stable = null, candidate = null } = datasets.get("prices") ?? {};
    const release = own(state.releases, dataset?.release ?? "");
    const shown =
      release !== undefined &&
      candidate !== null &&
      !marks.has(release.id) &&
      (release.thousandths === everybodyThousandths || replica.leaseHeld());
    const unit = release === undefined || user === undefined ? 0 : bucketOf(release.salt, user);
    const wants =
      release !== undefined &&
      (user === undefined ? release.thousandths === everybodyThousandths : unit < release.thousandths);
    const isCandidate = shown && wants;
    const [line, other] = isCandidate ? [candidate, stable] : [stable, candidate];
    expect(line).not.toBeNull();
    views.push({
      view: client.view({ targetingKey: user }),
      reads: models.get(line?.contentHash ?? "") ?? new Map(),
      other: models.get(other?.contentHash ?? ""),
      release: release?.id,
      arm: release === undefined ? null : isCandidate ? "candidate" : "control",
      unit,
      epoch: release?.epoch ?? 0,
      counted: shown && user !== undefined,
      touched: false,
      ended: false,
    });
    const made = views.at(-1);
    expect(made?.view.arm("prices")).toBe(made?.arm);
    expect(made?.view.version("prices")).toBe(line?.number);
    if (views.length > 6) views.shift();
  };

  const differs = (watched: Watched, name: string, ofHas: boolean): boolean => {
    if (watched.other === undefined) return false;
    const [mine, theirs] = [watched.reads.get(name), watched.other.get(name)];
    return ofHas ? (mine === undefined) !== (theirs === undefined) : JSON.stringify(mine) !== JSON.stringify(theirs);
  };

  const read = (watched: Watched, name: string, ofHas: boolean): void => {
    if (ofHas) expect(watched.view.has("prices", name)).toBe(watched.reads.has(name));
    else expect(watched.view.get("prices", name)).toEqual(watched.reads.get(name));
    watched.touched ||= differs(watched, name, ofHas);
  };

  const act = (given: Exclude<Step, { index: number }>): void => {
    const release = current();
    switch (given.do) {
      case "publish": {
        const { thousandths } = given;
        const request = thousandths === null ? null : { thousandths, supersede: true, acceptQuarantined: true };
        replica.publish("prices", given.items, request);
        break;
      }
      case "patch":
        replica.patch(
          "prices",
          given.items,
          given.remove.filter((name) => !Object.hasOwn(given.items, name)),
        );
        break;
      case "start":
        replica.command({
          type: "start-release",
          dataset: "prices",
          publish: null,
          plan: null,
          thousandths: given.thousandths,
          acceptQuarantined: true,
          draw: {
            release: `started-${replica.snapshot().state.sequence}`,
            salt: `${replica.snapshot().state.sequence}`,
          },
        });
        break;
      case "percentage":
        if (release !== null)
          replica.command({ type: "set-percentage", release, thousandths: given.thousandths, epoch: null });
        break;
      case "promote":
        if (release !== null) replica.command({ type: "promote", release, epoch: null });
        break;
      case "revert":
        if (release !== null)
          replica.command({ type: "revert", target: { release }, cause: { reason: "test", evidence: null } });
        break;
      case "mark":
        if (release !== null) replica.mark(release);
        break;
      case "reload":
        replica.reload();
        break;
      case "lease":
        replica.setLease(given.held);
        break;
      case "unprepared":
        replica.setUnprepared("prices", given.is);
        break;
      case "cut-off":
        replica.setCutOff(given.is);
        break;
      case "view":
        makeView(given.user);
        break;
      default:
        unreachable(given);
    }
  };

  const end = (watched: Watched, failure: string | null): void => {
    if (failure === null) watched.view.succeed();
    else watched.view.fail(failure);
    const { release, epoch, arm, unit, counted, touched, ended } = watched;
    if (counted && touched && !ended) expectedOutcomes.push({ release, epoch, arm, unit, failure });
    watched.ended = true;
  };

  const actOnView = (given: Extract<Step, { index: number }>): void => {
    const watched = views.at(-1 - given.index);
    if (watched === undefined) return;
    switch (given.do) {
      case "read":
        read(watched, given.key, given.ofHas);
        break;
      case "read-all":
        for (const name of keys) read(watched, name, false);
        break;
      case "walk":
        expect(new Map(watched.view.entries("prices"))).toEqual(watched.reads);
        watched.touched ||= keys.some((name) => differs(watched, name, false));
        break;
      case "end":
        end(watched, given.failure);
        break;
      default:
        unreachable(given);
    }
  };

  remember();
  for (const given of steps) {
    if ("index" in given) actOnView(given);
    else {
      try {
        act(given);
      } catch (error) {
        // What the rules of a release refuse changes nothing; anything else is a fault.
        if (!isSluiceError(error) || statusOf(error.code) !== 409) throw error;
      }
      remember();
    }
    for (const { view, arm, release } of views) {
      const phase = own(replica.snapshot().state.releases, release ?? "")?.phase;
      const isTakenBack = phase === "reverted" || replica.snapshot().marks.has(release ?? "");
      expect(view.reverted).toBe(arm === "candidate" && isTakenBack);
    }
    expect(client.status().datasets.prices.cache.items).toBeLessThanOrEqual(cacheItemsMax);
  }
  expect(replica.outcomes).toEqual(expectedOutcomes);
}

test("invariant 4: whatever happens, a view reads what its versions hold, from caches of every size, and counts what it read", () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 20, maxLength: 200, size: "max" }),
      fc.integer({ min: 1, max: 6 }),
      fc.option(fc.integer({ min: 15, max: 60 })),
      play,
    ),
    { numRuns: 500 },
  );
}, 60_000);
