import type { Summary } from "../judge/ledger.ts";

/** What came of a scenario. */
export interface Outcome<Step extends string = string> {
  /** Its parts, true where all of it happened. */
  readonly steps: Readonly<Record<Step, boolean>>;
  /** What did not happen, in words. */
  readonly failures: readonly string[];
  readonly summary: Summary;
}
