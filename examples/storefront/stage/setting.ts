import type { FileName } from "../catalogue/price-files.ts";
import { type Plan, pricePlan } from "./plan.ts";

/** What a scenario wants of the stage. */
export interface Setting {
  /** Price files in the order in which they are offered: the first is live when the stage is set, and their places are the versions' numbers. */
  readonly files: readonly FileName[];
  readonly plan: Plan;
  /** The checks of the prices; null takes those that a dataset of prices comes with. */
  readonly checks: readonly object[] | null;
  /** What happens to a file that the merchandising system offers. */
  readonly onNew: "release" | "hold";
  /** The payment side takes what is under cost too, and says that it concerns it. */
  readonly lenientPayment: boolean;
  /** Whether the shop tells Sluice, and not Prometheus alone, of failures that only it knows of. */
  readonly kindsTold: boolean;
  /** For how long a shopper waits gladly, in milliseconds; null: however long. */
  readonly patienceMs: number | null;
  /** Whether the shop follows a sidecar of its own, and not the origin. */
  readonly hasSidecar: boolean;
  /** Whether the origin takes alerts only with a token. */
  readonly alertsWantToken: boolean;
}

/** The setting of the story of four price files, from which the others differ. */
export function storySetting(guard: boolean): Setting {
  return {
    files: ["v1", "v2", "v3", "v4"],
    plan: pricePlan(guard),
    checks: null,
    onNew: "release",
    lenientPayment: false,
    kindsTold: true,
    patienceMs: null,
    hasSidecar: false,
    alertsWantToken: false,
  };
}
