import fc from "fast-check";
import type { Actor } from "./event.ts";
import type { Plan } from "./plan.ts";
import { defaultPlan } from "./plan.ts";

/** One step of a random history is drawn from; numbers pick among what the state offers. */
export type Step =
  | { do: "create"; dataset: number; policy: "immediate" | "canary"; plan: number }
  | {
      do: "publish";
      dataset: number;
      content: number;
      release: boolean;
      supersede: boolean;
      accept: boolean;
      echo: number;
      by: Actor;
    }
  | { do: "patch"; dataset: number; content: number }
  | { do: "start"; dataset: number; accept: boolean; thousandths: number | null }
  | { do: "percentage"; dataset: number; thousandths: number; stale: boolean }
  | { do: "hold" | "resume"; dataset: number; by: Actor }
  | { do: "promote"; dataset: number }
  | { do: "revert"; dataset: number; by: Actor; announced: boolean }
  | { do: "restore"; dataset: number; version: number; stale: boolean }
  | { do: "guard-off"; dataset: number; forMs: number }
  | { do: "guard-on"; dataset: number }
  | { do: "lift"; dataset: number }
  | { do: "refuse"; dataset: number }
  /** Time passes, and plans are looked at; `proof` is what the guard's promotion test says by then. */
  | { do: "wait"; ms: number; proof: "none" | "current" | "stale" }
  /** The wall clock is set; no time passes. */
  | { do: "jump"; ms: number };

/** Who does what a history does. */
export const anna: Actor = { kind: "person", name: "anna" };
const feed: Actor = { kind: "source", name: "feed" };
const guard: Actor = { kind: "guard", name: "comparative" };
const alert: Actor = { kind: "alert", name: "PaymentsFail" };
const actors: readonly Actor[] = [
  anna,
  guard,
  { kind: "guard", name: "absolute" },
  alert,
  { kind: "alert", name: "Latency" },
];

/** Plans that a dataset is created with: waits and then holds, waits and then proceeds, does not wait, is moved by hand. */
export const plans: readonly Plan[] = [
  defaultPlan,
  { ...defaultPlan, promotion: { waitMaxMs: 1_200_000, otherwise: "proceed" } },
  { ...defaultPlan, promotion: null },
  { ...defaultPlan, automatic: false },
];

// Most of it happens to one dataset, so that what is done meets what was done.
const datasetArbitrary = fc.constantFrom(0, 0, 0, 1);
const contentArbitrary = fc.nat(11);
const actorArbitrary = fc.constantFrom(...actors);

const publishArbitrary = fc.record({
  do: fc.constant("publish" as const),
  dataset: datasetArbitrary,
  content: contentArbitrary,
  release: fc.boolean(),
  supersede: fc.boolean(),
  accept: fc.boolean(),
  echo: fc.nat(3),
  by: fc.constantFrom(anna, anna, feed),
});

const waitArbitrary = fc.record({
  do: fc.constant("wait" as const),
  ms: fc.constantFrom(1, 250, 600_000, 1_800_000, 7_200_000),
  proof: fc.constantFrom("none" as const, "current" as const, "stale" as const),
});

/** One step. */
export const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant("create" as const),
    dataset: datasetArbitrary,
    policy: fc.constantFrom("immediate" as const, "canary" as const),
    plan: fc.nat(plans.length - 1),
  }),
  { weight: 4, arbitrary: publishArbitrary },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("patch" as const), dataset: datasetArbitrary, content: contentArbitrary }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("start" as const),
      dataset: datasetArbitrary,
      accept: fc.boolean(),
      thousandths: fc.option(fc.integer({ min: -1, max: 100_001 })),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("percentage" as const),
      dataset: datasetArbitrary,
      thousandths: fc.integer({ min: -1, max: 100_001 }),
      stale: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("hold" as const, "resume" as const),
      dataset: datasetArbitrary,
      by: actorArbitrary,
    }),
  },
  fc.record({ do: fc.constant("promote" as const), dataset: datasetArbitrary }),
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("revert" as const),
      dataset: datasetArbitrary,
      by: actorArbitrary,
      announced: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("restore" as const),
      dataset: datasetArbitrary,
      version: fc.nat(20),
      stale: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("guard-off" as const),
      dataset: datasetArbitrary,
      forMs: fc.constantFrom(999, 1_000, 900_000, 43_200_000, 43_200_001),
    }),
  },
  fc.record({
    do: fc.constantFrom("guard-on" as const, "lift" as const, "refuse" as const),
    dataset: datasetArbitrary,
  }),
  { weight: 6, arbitrary: waitArbitrary },
  fc.record({
    do: fc.constant("jump" as const),
    ms: fc.constantFrom(-86_400_000, -600_000, -1, 1_000, 600_000, 7_200_000),
  }),
);

/** Both datasets, and most often a release that runs, so that what follows meets something. */
export const beginningArbitrary: fc.Arbitrary<Step[]> = fc
  .tuple(fc.nat(plans.length - 1), fc.nat(plans.length - 1), fc.constantFrom(0, 1, 2, 2, 2))
  .map(([first, second, publishes]) => {
    const asked = { release: true, supersede: false, accept: false } as const;
    const publish = { do: "publish", dataset: 0, ...asked, echo: 0, by: anna } as const;
    const published = [publish, publish].map((each, content) => ({ ...each, content }));
    return [
      { do: "create", dataset: 0, policy: "canary", plan: first },
      { do: "create", dataset: 1, policy: "immediate", plan: second },
      ...published.slice(0, publishes),
    ];
  });

/** Random histories. */
export const historyArbitrary: fc.Arbitrary<Step[]> = fc
  .tuple(beginningArbitrary, fc.array(stepArbitrary, { minLength: 1, maxLength: 60, size: "max" }))
  .map(([beginning, steps]) => [...beginning, ...steps]);
