import {
  currentEpoch,
  type GuardState,
  logComparativeEvidence,
  logHoldLine,
  logPromotionInForce,
  logRequestEvidence,
} from "./state.ts";
import { watchedLines } from "./trail.ts";
import type { EvidencePoint } from "./verdict.ts";

/** Crossings that are kept, the newest. */
export const crossingsMax = 32;
/** Points of a history; when there are as many, every other one goes and they come half as often. */
export const pointsMax = 240;

/** Writes down which lines the evidence has passed since it was looked at last. */
export function noteCrossings(state: GuardState): void {
  const { crossings, above } = state.trail;
  const levels = levelsOf(state);
  for (const [index, line] of watchedLines.entries()) {
    const isAbove = levels[index] === true;
    if (above[index] === isAbove) continue;
    above[index] = isAbove;
    crossings.push({ at: state.at, ...line, direction: isAbove ? "up" : "down" });
    if (crossings.length > crossingsMax) crossings.shift();
  }
}

/** Keeps a point where one is due. */
export function notePoint(state: GuardState): void {
  const { trail, slot } = state;
  if (slot < trail.dueSlot) return;
  trail.points.push(pointOf(state));
  // The next one is due where it would have been if they had come half as often all the time.
  trail.dueSlot = slot + trail.intervalSlots;
  if (trail.points.length < pointsMax) return;
  const kept = trail.points.filter((_, index) => index % 2 === 0);
  trail.points.splice(0, trail.points.length, ...kept);
  trail.intervalSlots *= 2;
}

/** The history of a guard's evidence up to now: at most 240 points and the moment itself, oldest first. */
export function historyOf(state: GuardState): readonly EvidencePoint[] {
  const points = state.trail.points.map((point) => ({ ...point }));
  const now = pointOf(state);
  if (points.at(-1)?.at === now.at) points.pop();
  return [...points, now];
}

function levelsOf(state: GuardState): readonly boolean[] {
  const { config, absolutes, unitStream } = state;
  const [hold, revert] = [logHoldLine(config), -Math.log(config.alpha)];
  const units = state.unitsKnown === true ? unitStream.logEvidence : 0;
  const requests = logRequestEvidence(state);
  const comparative = logComparativeEvidence(state);
  return [
    units >= hold,
    units >= revert,
    requests >= hold,
    requests >= revert,
    comparative >= hold,
    comparative >= revert,
    logPromotionInForce(state) >= -Math.log(config.promotion.beta),
    absolutes.some(({ stream, rule }) => stream.logEvidence >= -Math.log(rule.alpha)),
  ];
}

function pointOf(state: GuardState): EvidencePoint {
  return {
    at: state.at,
    thousandths: currentEpoch(state).thousandths,
    ...state.total,
    logComparative: rounded(logComparativeEvidence(state)),
    logUnits: state.unitsKnown === true ? rounded(state.unitStream.logEvidence) : null,
    logRequests: rounded(logRequestEvidence(state)),
    logPromotion: rounded(logPromotionInForce(state)),
  };
}

// Nobody sees more of it in a drawing, and a history is kept each second.
function rounded(log: number): number {
  return Math.round(log * 1e4) / 1e4;
}
