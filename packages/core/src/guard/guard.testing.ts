import { defaultGuardConfig, type GuardConfig, slotMs } from "./config.ts";
import { ingest, tickGuard } from "./guard.ts";
import type { ArmReport, OutcomeReport } from "./report.ts";
import type { GuardState } from "./state.ts";
import type { GuardVerdict } from "./verdict.ts";

/** The comparison alone. */
export const config: GuardConfig = { ...defaultGuardConfig, absolute: [] };
export const start: { readonly epoch: number; readonly thousandths: number } = { epoch: 1, thousandths: 5000 };

/** An arm whose failures are all of distinct users. */
export function arm(requests: number, failures = 0, options: { kind?: string; units?: number[] } = {}): ArmReport {
  const { kind = "error", units = [] } = options;
  return { ok: requests - failures, failures: { [kind]: { count: failures, distinct: failures } }, units };
}

export const quiet: OutcomeReport = { epoch: 1, candidate: arm(50), control: arm(950) };
export const broken: OutcomeReport = { epoch: 1, candidate: arm(20, 20), control: arm(950) };

/** Ticks once for each report, a slot apart. */
export function play(guard: GuardState, reports: readonly OutcomeReport[], fromSlot = 1): GuardVerdict {
  let verdict = tickGuard(guard, (fromSlot - 1) * slotMs);
  for (const [index, report] of reports.entries()) {
    ingest(guard, report);
    verdict = tickGuard(guard, (fromSlot + index) * slotMs);
  }
  return verdict;
}
