/** A plan as the sidecar takes it; what is left out is its own. */
export type Plan = Readonly<Record<string, unknown>>;

/**
 * Three steps and a short bake: a story has no ten minutes for each. A step is taken when its time is over and the promotion test is
 * open, which it is soon for a good candidate: see `promotion` below.
 */
const pace = {
  steps: [
    { thousandths: 5_000, holdMs: 8_000 },
    { thousandths: 25_000, holdMs: 3_000 },
    { thousandths: 50_000, holdMs: 3_000 },
  ],
  automatic: true,
  bakeMs: 4_000,
  promotion: { waitMaxMs: 30_000, otherwise: "hold" },
};

/**
 * What the promotion test rules out: three times the failures of before and five in a hundred on top. A shop with ten thousand
 * requests a second asks for one in a thousand, as the default plan does; 300 shoppers a second would prove that for minutes.
 */
const promotion = { beta: 0.1, bounds: [{ fromThousandths: 0, worseRatio: 3, worseExtraRate: 0.05 }] };

/** The guard as it comes, told that a payment refused for its price is a failure of its own kind. */
const guard = { kinds: ["below-cost"], promotion };

/** A plan whose guard differs in some values from the demo's. */
export function planWith(values: Readonly<Record<string, unknown>>): Plan {
  return { ...pace, guard: { ...guard, ...values } };
}

/** The plan with a guard. */
export const guarded: Plan = planWith({});

/**
 * A guard that is within its ranges and cannot act: it tolerates a candidate that fails all but every request, asks for
 * more failures than the story has, has no absolute rule, and its promotion test rules nothing out that happens.
 */
export const unguarded: Plan = {
  ...planWith({ toleratedRatio: 100, toleratedExtraRate: 0.999, failuresMin: 1_000, absolute: [] }),
  promotion: null,
};

/** The plan of the story of four price files. */
export function pricePlan(hasGuard: boolean): Plan {
  // Its v2 changes one article in twenty: counted by what differs, 5 % of the shoppers would meet that once a second.
  return hasGuard ? planWith({ counting: "touched" }) : unguarded;
}
