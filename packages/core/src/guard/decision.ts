import { absoluteEvidenceOf, confirmsAbsolute } from "./absolute.ts";
import { evidenceOf } from "./evidence.ts";
import { currentEpoch, type GuardState, logComparativeEvidence, logRequestEvidence } from "./state.ts";
import { unitCount } from "./units.ts";
import type { GuardEvidence, GuardVerdict } from "./verdict.ts";

// Reached in at most 10 % of releases that are not worse than tolerated.
const logHoldEvidence = Math.log(10);

/** Latches a revert by the comparison. Called at every change of its evidence, since the bound holds at every look. */
export function latchComparative(state: GuardState): void {
  if (state.reverted !== undefined) return;
  if (logComparativeEvidence(state) < -Math.log(state.config.alpha)) return;
  if (!failuresMinReached(state)) return;
  state.reverted = { rule: "comparative", evidence: gatherEvidence(state) };
}

/** Latches a revert by an absolute rule. */
export function latchAbsolute(state: GuardState): void {
  if (state.reverted !== undefined || state.absolutes.length === 0) return;
  if (!failuresMinReached(state)) return;
  const comparative = logComparativeEvidence(state);
  if (!state.absolutes.some((absolute) => confirmsAbsolute(absolute, comparative))) return;
  state.reverted = { rule: "absolute", evidence: gatherEvidence(state) };
}

/** The verdict on the state as it stands. */
export function giveVerdict(state: GuardState): GuardVerdict {
  if (state.reverted !== undefined) return { action: "revert", ...state.reverted };
  const evidence = gatherEvidence(state);
  // At 100 % there is no step left to hold back, and evidence that no longer moves would hold the bake for ever.
  const enough = Math.min(logHoldEvidence, -Math.log(state.config.alpha));
  const holds = evidence.comparison === "on" && logComparativeEvidence(state) >= enough;
  return holds ? { action: "hold", rule: "comparative", evidence } : { action: "none", rule: null, evidence };
}

// Of distinct units where they are known, so that one user's retries never take a version from everybody.
function failuresMinReached(state: GuardState): boolean {
  return state.candidateUnits.length + state.failuresWithoutUnit >= state.config.failuresMin;
}

function gatherEvidence(state: GuardState): GuardEvidence {
  const { epoch, thousandths } = currentEpoch(state);
  return {
    epoch,
    thousandths,
    ...state.total,
    comparison: thousandths === unitCount ? "off, no control" : "on",
    comparativeEvidence: evidenceOf(logComparativeEvidence(state)),
    threshold: 1 / state.config.alpha,
    unitEvidence: state.unitsKnown === true ? evidenceOf(state.unitStream.logEvidence) : null,
    requestEvidence: evidenceOf(logRequestEvidence(state)),
    kinds: state.requestStreams.map(({ stream, ...counts }) => ({
      ...counts,
      evidence: evidenceOf(stream.logEvidence),
    })),
    absoluteEvidence: state.absolutes.map(absoluteEvidenceOf),
    failuresMinReached: failuresMinReached(state),
    lateReports: state.lateReports,
  };
}
