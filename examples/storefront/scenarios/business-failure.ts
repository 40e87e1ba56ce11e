import { guarded } from "../stage/plan.ts";
import { storySetting } from "../stage/setting.ts";
import { shoppersPace } from "../stage/stage.ts";
import { second } from "./acts.ts";
import type { Scenario } from "./scenario.ts";
import { tellTakenBack } from "./taken-back.ts";

/** Prices of 0.01 that fail no request. */
export const businessFailure: Scenario = {
  name: "business-failure",
  about:
    "Three of ten prices are 0.01, and no request fails: the payment side takes the money, the shop tells the guard of it as below-cost.",
  withoutGuard: "the shop does not tell Sluice; every page answers 200, and everybody buys at 0.01",
  programs: [],
  setting: (guard) => ({
    ...storySetting(true),
    files: ["v1", "cents"],
    plan: guarded,
    checks: flashSaleChecks,
    lenientPayment: true,
    kindsTold: guard,
  }),
  tell: ({ stage, timeline, options }) =>
    tellTakenBack(stage, timeline, {
      file: "cents",
      wrong: "three of ten prices are 0.01, and the checks of this shop let a price fall as it likes",
      by: "guard",
      kind: "below-cost",
      pace: shoppersPace,
      deadlineMs: (options.guard ? 20 : 10) * second,
      lateShareMax: 0.02,
    }),
};

/** Of a shop with flash sales: a price may fall by any share, so that only the sales themselves show what is wrong. */
export const flashSaleChecks = [
  { kind: "keysRemoved", shareMax: 0.05, action: "refuse" },
  { kind: "forbiddenValue", field: "/price", required: true, type: "number", minimum: 0, action: "refuse" },
] as const;
