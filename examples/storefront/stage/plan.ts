/** A plan as the sidecar takes it; what is left out is its own. */
export type Plan = Readonly<Record<string, unknown>>;

/** Three steps and a short bake: a story has no ten minutes for each. */
const pace = {
  steps: [
    { thousandths: 5_000, holdMs: 8_000 },
    { thousandths: 25_000, holdMs: 3_000 },
    { thousandths: 50_000, holdMs: 3_000 },
  ],
  automatic: true,
  bakeMs: 4_000,
};

/** The guard as it comes, told that a payment refused for its price is a failure of its own kind. */
const guarded: Plan = { ...pace, guard: { kinds: ["below-cost"] } };

/**
 * A guard that is within its ranges and cannot act: it tolerates a candidate that fails all but every request, asks for
 * more failures than the story has, and has no absolute rule.
 */
const unguarded: Plan = {
  ...pace,
  guard: {
    kinds: ["below-cost"],
    toleratedRatio: 100,
    toleratedExtraRate: 0.999,
    failuresMin: 1_000,
    absolute: [],
  },
};

/** The plan of the prices. */
export function pricePlan(guard: boolean): Plan {
  return guard ? guarded : unguarded;
}
