import { planWith } from "../stage/plan.ts";
import { storySetting } from "../stage/setting.ts";
import { second } from "./acts.ts";
import type { Scenario } from "./scenario.ts";
import { tellTakenBack } from "./taken-back.ts";

/** The payment side takes 2 s to say what a coupon is worth; pages without one take a few milliseconds. */
const slowMs = 1_000;

/** A candidate that makes pages slow and fails none. */
export const slowCandidate: Scenario = {
  name: "slow-candidate",
  about:
    "Four of ten articles get a coupon, which the page has to ask about: it takes 2 s longer, and no request fails.",
  withoutGuard: "the plan names no time after which a page is slow, and everybody waits",
  programs: [],
  setting: (guard) => ({
    ...storySetting(true),
    files: ["v1", "coupons"],
    plan: planWith({ slowMs: guard ? slowMs : null }),
    patienceMs: 1_500,
  }),
  tell: ({ stage, timeline, options }) =>
    tellTakenBack(stage, timeline, {
      file: "coupons",
      wrong: "nothing, but four of ten pages have to ask about a coupon now",
      by: "guard",
      kind: "slow",
      // A third of what the others send: where another program takes the CPU, every page is slow.
      pace: 100,
      deadlineMs: (options.guard ? 25 : 10) * second,
      lateShareMax: 0.1,
    }),
};
