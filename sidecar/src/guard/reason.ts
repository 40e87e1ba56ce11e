import type { GuardEvidence } from "@sluice/core";
import { percentText, slowKind } from "@sluice/core";

/** Why a guard took a release back, for people: what was counted, and which rule it was. */
export function revertReason(rule: "comparative" | "absolute", evidence: GuardEvidence): string {
  const { candidateFailures, candidateRequests, controlFailures, controlRequests, thousandths, kinds } = evidence;
  const counts = `${candidateFailures} of ${candidateRequests} requests failed in the candidate, ${controlFailures} of ${controlRequests} in the control, at ${percentText(thousandths)}`;
  // Slow requests are no failures among the counts: without these words "0 of 7 requests failed" would be why.
  const slow = kinds.find(({ kind, candidateFailures: failures }) => kind === slowKind && failures > 0);
  const slowness =
    slow === undefined
      ? ""
      : `; ${slow.candidateFailures} were slow in the candidate, ${slow.controlFailures} in the control`;
  return `${counts}${slowness}${rule === "comparative" ? "" : "; over an absolute limit"}`;
}
