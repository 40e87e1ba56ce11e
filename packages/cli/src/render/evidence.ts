import { type EvidenceCrossing, type EvidencePoint, type GuardEvidence, percentText } from "@sluice/core";
import { durationText } from "../duration.ts";
import { counted, countText, padTo, shareText, widthOf } from "../text.ts";
import { drawChart } from "./chart.ts";
import { layOut, type Row, type View } from "./layout.ts";
import { boundText } from "./plan.ts";
import { clockText } from "./time.ts";

/** Evidence at which the guard holds the plan; never above what reverts. */
const holdEvidence = 10;
const chartRows = 7;
const chartColumnsMax = 110;
const crossingsShownMax = 8;

/**
 * All that a guard saw of a release: counts of both arms, where each test stands against its lines, when it crossed them. Of one
 * that has ended nothing is still needed.
 */
export function renderEvidence(
  evidence: GuardEvidence,
  history: readonly EvidencePoint[],
  hasEnded: boolean,
  view: View,
): string[] {
  const against = chartOf(history, ({ logComparative }) => logComparative, againstLines(evidence), view);
  const inFavour = chartOf(history, ({ logPromotion }) => logPromotion, promotionLines(evidence), view);
  return [
    ...countLines(evidence, view),
    "",
    ...layOut(againstRows(evidence, view), view),
    ...(against.length === 0 ? [] : ["", ...against]),
    "",
    ...layOut(promotionRowsOf(evidence, hasEnded), view),
    ...(inFavour.length === 0 ? [] : ["", ...inFavour]),
    "",
    ...layOut([...limitRows(evidence), ...crossingRows(evidence.crossings, view), ...lateRows(evidence)], view),
  ];
}

function countLines({ kinds, ...evidence }: GuardEvidence, { columns, style }: View): string[] {
  const { candidateRequests, candidateFailures, controlRequests, controlFailures } = evidence;
  const rows = [
    ["counted", "candidate", "control", ""],
    ["requests", countText(candidateRequests), countText(controlRequests), ""],
    ["failures", rateOf(candidateFailures, candidateRequests), rateOf(controlFailures, controlRequests), ""],
    ...kinds.map((kind) => [
      `  ${kind.kind}`,
      distinctOf(kind.candidateFailures, kind.candidateDistinct),
      distinctOf(kind.controlFailures, kind.controlDistinct),
      `evidence ${numberText(kind.evidence)}`,
    ]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(9, ...rows.map((cells) => widthOf(cells[column] ?? ""))));
  return rows.map(([name = "", candidate = "", control = "", more = ""], index) => {
    const [first = 0, second = 0, third = 0] = widths;
    const cells = `${padTo(name, first)}   ${padLeft(candidate, second)}   ${padLeft(control, third)}`;
    const fits = more !== "" && widthOf(cells) + widthOf(more) + 5 <= columns;
    const line = `  ${fits ? `${cells}   ${more}` : cells}`;
    return index === 0 ? style.dim(line) : line;
  });
}

function rateOf(failures: number, requests: number): string {
  return requests === 0 ? countText(failures) : `${countText(failures)} (${shareText(failures / requests)})`;
}

function distinctOf(failures: number, distinct: number): string {
  return failures === distinct ? countText(failures) : `${countText(failures)} (${countText(distinct)} users)`;
}

function againstRows(evidence: GuardEvidence, view: View): Row[] {
  const { comparison, comparativeEvidence, threshold, unitEvidence, requestEvidence, failuresMinReached } = evidence;
  const level = numberText(comparativeEvidence);
  const lines = `holds at ${numberText(Math.min(holdEvidence, threshold))}, reverts at ${numberText(threshold)}`;
  const since = sinceOf(evidence.crossings, "comparative", comparativeEvidence >= threshold ? "revert" : "hold", view);
  const rows: Row[] = [];
  if (comparison !== "on") {
    rows.push({
      label: "compared",
      text: `${comparison}: at 100 % only limits, alerts and queries revert`,
      kind: "bad",
    });
  }
  if (comparativeEvidence >= threshold) {
    const waits = failuresMinReached ? "" : "; it waits for more users to fail";
    rows.push({ label: "against", text: `${level}: over what reverts (${lines})${since}${waits}`, kind: "bad" });
  } else if (comparativeEvidence >= holdEvidence) {
    rows.push({ label: "against", text: `${level}: suspicious (${lines})${since}`, kind: "bad" });
  } else {
    rows.push({ label: "against", text: `${level}: no sign that the candidate is worse (${lines})` });
  }
  rows.push({
    label: "",
    text:
      unitEvidence === null
        ? `repeated failures ${numberText(requestEvidence)}; first failures of users: none were told apart`
        : `the mean of first failures of users ${numberText(unitEvidence)} and repeated failures ${numberText(requestEvidence)}`,
  });
  return rows;
}

function promotionRowsOf({ promotion, thousandths }: GuardEvidence, hasEnded: boolean): Row[] {
  const { evidence, threshold, bound, streams } = promotion;
  const rows: Row[] = [
    {
      label: "for",
      text: `${numberText(evidence)} of ${numberText(threshold)}: ${hasEnded ? endedText(promotion) : promotionText(promotion)}`,
      kind: promotion.open ? "good" : "plain",
    },
    { label: "", text: `the test at ${percentText(thousandths)} rules out that it fails ${boundText(bound)}` },
  ];
  if (streams.length > 1) {
    const each = streams.map(({ kind, evidence: own }) => `${kind ?? "all failures"} ${numberText(own)}`);
    rows.push({ label: "", text: `the least of ${each.join(", ")}` });
  }
  return rows;
}

function endedText({ open }: GuardEvidence["promotion"]): string {
  return `the promotion test was ${open ? "open" : "not open"} at the end`;
}

/** What a promotion test still needs: `about 1,240 more requests`. */
export function needsText({ requestsNeeded }: GuardEvidence["promotion"]): string {
  return requestsNeeded === null ? "not like this" : `about ${counted(requestsNeeded, "more request")}`;
}

/** Where a promotion test stands, in words. */
export function promotionText(promotion: GuardEvidence["promotion"]): string {
  const { open, requestsNeeded, evidence, threshold } = promotion;
  if (open) return "the promotion test is open";
  if (requestsNeeded === null) return "the promotion test does not open like this";
  // It has been reached, and something else speaks against the candidate.
  if (requestsNeeded === 0 || evidence >= threshold) return "the promotion test waits: the candidate looks worse";
  return `the promotion test needs ${needsText(promotion)} of the candidate`;
}

function limitRows({ absoluteEvidence }: GuardEvidence): Row[] {
  return absoluteEvidence.map((rule): Row => {
    const { mode, errorRateLimit, windowMs, requestsMin, window, absoluteEvidence: level, threshold, suspended } = rule;
    const { candidateFailures, candidateRequests } = window;
    const rate = candidateRequests === 0 ? "" : ` (${shareText(candidateFailures / candidateRequests)})`;
    const few = candidateRequests < requestsMin ? `, looks from ${countText(requestsMin)} on` : "";
    const paused = suspended ? "; suspended, for the control fails too" : "";
    const weight = mode === "literal" ? "" : `; evidence ${numberText(level)} of ${numberText(threshold)}`;
    const seen = `${countText(candidateFailures)} of ${countText(candidateRequests)} failed${rate}${few}`;
    return {
      label: "limit",
      text: `${shareText(errorRateLimit)} over ${durationText(windowMs)}, ${mode}: ${seen}${weight}${paused}`,
      kind:
        candidateRequests >= requestsMin && candidateFailures > errorRateLimit * candidateRequests ? "bad" : "plain",
    };
  });
}

const streamTexts: Readonly<Record<EvidenceCrossing["stream"], string>> = {
  units: "first failures of users",
  requests: "repeated failures",
  comparative: "evidence against it",
  promotion: "the promotion test",
  absolute: "evidence of a limit",
};

function crossingRows(crossings: readonly EvidenceCrossing[], view: View): Row[] {
  const shown = crossings.slice(-crossingsShownMax);
  const left = crossings.length - shown.length;
  return [
    ...shown.map(({ at, stream, line, direction }, index): Row => {
      const way = line === "promotion" ? (direction === "up" ? "opened" : "closed again") : undefined;
      const text = way ?? `${direction === "up" ? "rose over" : "fell below"} the ${line} line`;
      return { label: index === 0 ? "crossed" : "", text: `${clockText(at, view)}  ${streamTexts[stream]} ${text}` };
    }),
    ...(left === 0 ? [] : [{ label: "", text: `and ${countText(left)} crossings before` }]),
  ];
}

function lateRows({ lateReports }: GuardEvidence): Row[] {
  return lateReports === 0 ? [] : [{ label: "", text: `${counted(lateReports, "report")} came too late to count` }];
}

function sinceOf(
  crossings: readonly EvidenceCrossing[],
  stream: EvidenceCrossing["stream"],
  line: EvidenceCrossing["line"],
  view: View,
): string {
  const last = crossings.findLast((crossing) => crossing.stream === stream && crossing.line === line);
  return last?.direction === "up" ? `, since ${clockText(last.at, view)}` : "";
}

interface Level {
  readonly value: number;
  readonly label: string;
}

function againstLines({ threshold }: GuardEvidence): Level[] {
  const hold = Math.min(holdEvidence, threshold);
  return [
    { value: 0, label: "1" },
    ...(hold < threshold ? [{ value: Math.log(hold), label: `hold ${numberText(hold)}` }] : []),
    { value: Math.log(threshold), label: `revert ${numberText(threshold)}` },
  ];
}

function promotionLines({ promotion: { threshold } }: GuardEvidence): Level[] {
  return [
    { value: 0, label: "1" },
    { value: Math.log(threshold), label: `opens ${numberText(threshold)}` },
  ];
}

function chartOf(
  history: readonly EvidencePoint[],
  valueOf: (point: EvidencePoint) => number,
  lines: readonly Level[],
  view: View,
): string[] {
  const [first, last] = [history[0], history.at(-1)];
  if (first === undefined || last === undefined) return [];
  const steps = history.filter((point, index) => point.thousandths !== history[index - 1]?.thousandths);
  const timeOf = (at: number): string => clockText(at, { ...view, nowMs: at });
  const marks = steps.map(({ at, thousandths }) => ({ at, label: `${timeOf(at)} ${percentText(thousandths)}` }));
  const drawn = drawChart({
    points: history.map((point) => ({ at: point.at, value: valueOf(point) })),
    lines,
    marks: [...marks, { at: last.at, label: timeOf(last.at) }],
    columns: Math.min(chartColumnsMax, view.columns - 2),
    rows: chartRows,
  });
  return drawn.map((line) => `  ${line}`);
}

/** A number that is read as a size: three digits, and no more than `> 10,000`. */
function numberText(value: number): string {
  if (value >= 10_000) return "> 10,000";
  return value > 0 && value < 0.001 ? "< 0.001" : String(Number(value.toPrecision(value >= 100 ? 4 : 3)));
}

function padLeft(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - widthOf(text))) + text;
}
