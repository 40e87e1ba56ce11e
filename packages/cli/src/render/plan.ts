import {
  type AlertRule,
  everybodyThousandths,
  type GuardConfig,
  percentText,
  type Plan,
  type PromotionBound,
} from "@sluice/core";
import { durationText } from "../duration.ts";
import { countText, padTo, shareText, widthOf } from "../text.ts";
import { layOut, type Row, type View } from "./layout.ts";

/** When an automatic plan is where, counted from its start, if nothing makes it wait; in milliseconds. */
export interface Timeline {
  readonly steps: readonly { readonly thousandths: number; readonly holdMs: number; readonly fromMs: number }[];
  /** When everybody sees it. */
  readonly everybodyMs: number;
  /** When the bake is over. */
  readonly doneMs: number;
}

/** The earliest a plan can be where. */
export function timelineOf({ steps, bakeMs }: Plan): Timeline {
  let fromMs = 0;
  const below = steps.filter(({ thousandths }) => thousandths < everybodyThousandths);
  const timed = below.map(({ thousandths, holdMs }) => {
    const step = { thousandths, holdMs, fromMs };
    fromMs += holdMs;
    return step;
  });
  return { steps: timed, everybodyMs: fromMs, doneMs: fromMs + bakeMs };
}

/** A plan: its steps with their times, and what decides whether it goes on. */
export function renderPlan(name: string, plan: Plan, view: View): string[] {
  const { steps, everybodyMs, doneMs } = timelineOf(plan);
  const pace = plan.automatic ? "goes on by itself" : "a person takes every step";
  const table = [
    ["share", "stays at least", "is reached after"],
    ...steps.map(({ thousandths, holdMs, fromMs }) => [percentText(thousandths), durationText(holdMs), atText(fromMs)]),
    ["everybody", `${durationText(plan.bakeMs)} bake`, atText(everybodyMs)],
    ["done", "", atText(doneMs)],
  ];
  const widths = [0, 1].map((column) => Math.max(0, ...table.map((cells) => widthOf(cells[column] ?? ""))));
  // By hand nobody knows when.
  const cells = plan.automatic ? table : table.slice(0, -1).map((row) => row.slice(0, 2));
  const lines = cells.map(
    (row) =>
      `  ${row
        .map((cell, column) => padTo(cell, widths[column] ?? 0))
        .join("   ")
        .trimEnd()}`,
  );
  return [
    `${view.style.bold(name)}  ${pace}`,
    ...lines.map((line, index) => (index === 0 ? view.style.dim(line) : line)),
    "",
    ...layOut(ruleRows(plan), view),
  ];
}

function atText(ms: number): string {
  return ms === 0 ? "at once" : durationText(ms);
}

/** What a plan watches, and what it waits for. */
function ruleRows(plan: Plan): Row[] {
  const { queries, requiredApps } = plan;
  const apps: Row[] =
    requiredApps.length === 0
      ? []
      : [{ label: "apps", text: `a candidate that ${requiredApps.join(", ")} refuses is reverted, not only held` }];
  return [
    ...promotionRows(plan),
    { label: "guard", text: guardText(plan.guard) },
    ...slowRows(plan.guard),
    ...plan.guard.absolute.map(({ errorRateLimit, windowMs, requestsMin, mode }): Row => {
      const limit = `${shareText(errorRateLimit)} over ${durationText(windowMs)}`;
      return { label: "limit", text: `${limit} with at least ${countText(requestsMin)} requests, ${mode}` };
    }),
    ...alertRows(plan.alerts),
    ...queries.map(({ name, expression, forMs, action, unanswered }): Row => {
      const lasts = forMs === 0 ? "" : ` for ${durationText(forMs)}`;
      const silence = unanswered === "hold" ? "holds" : "is ignored";
      return { label: "query", text: `${name} ${action}s${lasts}: ${expression}; without an answer it ${silence}` };
    }),
    ...apps,
  ];
}

/** Requests that their callers give up sooner are seen by nobody, in the shop or here. */
function slowRows({ slowMs }: GuardConfig): Row[] {
  if (slowMs === null) return [];
  const over = durationText(slowMs);
  const text = `counts only what lasts longer than ${over}: time limits of applications and their clients have to be longer, or slow requests end before and are not seen`;
  return [{ label: "slow", text }];
}

/** What the promotion test asks for before each step. */
export function promotionRows({ promotion, guard }: Plan): Row[] {
  if (promotion === null) return [{ label: "test", text: "no promotion test: steps by time alone" }];
  const { waitMaxMs, otherwise } = promotion;
  const after = otherwise === "hold" ? "then holds" : "then goes on without it";
  return [
    { label: "test", text: `each step waits up to ${durationText(waitMaxMs)} more for the promotion test, ${after}` },
    ...guard.promotion.bounds.map((bound): Row => {
      const from = bound.fromThousandths === 0 ? "" : `from ${percentText(bound.fromThousandths)} on `;
      return { label: "", text: `${from}it rules out that the candidate fails ${boundText(bound)}` };
    }),
  ];
}

/** What a bound of the promotion test calls intolerable: `3 times as often as the control, + 0.5 %`. */
export function boundText({
  worseRatio,
  worseExtraRate,
}: Pick<PromotionBound, "worseRatio" | "worseExtraRate">): string {
  return `${worseRatio} times as often as the control, + ${shareText(worseExtraRate)}`;
}

function guardText({ alpha, toleratedRatio, toleratedExtraRate, kinds, slowMs, counting }: GuardConfig): string {
  const extra = toleratedExtraRate === 0 ? "" : ` + ${shareText(toleratedExtraRate)}`;
  const named = [...kinds, ...(slowMs === null ? [] : [`slower than ${durationText(slowMs)}`])];
  const apart = named.length === 0 ? "" : `; compared apart: ${named.join(", ")}`;
  const counts = counting === "touched" ? "; counts every request that reads the dataset" : "";
  return `reverts what fails over ${toleratedRatio} times${extra} as often as the control, wrongly in at most ${shareText(alpha)} of releases${apart}${counts}`;
}

/** Which alerts concern a plan. */
export function alertRows(alerts: readonly AlertRule[], dataset = "DATASET"): Row[] {
  if (alerts.length === 0) {
    return [{ label: "alerts", text: `those with the label sluice_dataset="${dataset}" revert` }];
  }
  return alerts.map(({ matchers, action }, index) => ({
    label: index === 0 ? "alerts" : "",
    text: `${matchers.join(", ")} ${action}s`,
  }));
}
