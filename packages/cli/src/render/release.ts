import { everybodyThousandths, type LoggedEvent, percentText, type Plan } from "@sluice/core";
import type { DatasetStatus, EvidenceAnswer, ReleaseStatus } from "@sluice/core/api";
import { durationText } from "../duration.ts";
import { countText } from "../text.ts";
import { exampleLines } from "./difference.ts";
import { releaseEventText } from "./event.ts";
import { renderEvidence } from "./evidence.ts";
import { layOut, type Row, type View } from "./layout.ts";
import { alertRows, promotionRows } from "./plan.ts";
import { renderDataset } from "./status.ts";
import { actorText, agoText, clockText } from "./time.ts";

/** How many events of a release are shown, the newest. */
const eventsShownMax = 20;

/** All that is known of one release. */
export interface ReleaseReport {
  readonly dataset: DatasetStatus;
  /** The one that is shown: what runs or bakes, or one that ended. */
  readonly release: string;
  /** The control events that concern it, oldest first; none where the log has them no more or they were not asked for. */
  readonly events: readonly LoggedEvent[];
  /** Null where none is kept. */
  readonly evidence: EvidenceAnswer | null;
}

/** A release drawn: how its dataset stands, its plan and course, the evidence, and what the version changes. */
export function renderRelease(report: ReleaseReport, view: View): string[] {
  const { dataset, release: id, events, evidence } = report;
  const active = dataset.release?.id === id ? dataset.release : null;
  const changes =
    active === null || dataset.candidate === null ? [] : exampleLines(dataset.candidate.difference, view.columns);
  const seen = evidence?.evidence ?? active?.evidence ?? endEvidenceOf(events);
  const drawn =
    seen === null
      ? ["  none is kept of it here"]
      : renderEvidence(seen, evidence?.history ?? [], active === null, view);
  return [
    ...renderDataset(dataset, view),
    "",
    ...layOut(
      [...headRows(id, events, active, view), ...planRows(events, active, dataset.name), ...queryRows(active)],
      view,
    ),
    ...section("course", courseLines(events, view), view),
    ...section("evidence", drawn, view),
    ...section("changes", changes, view),
  ];
}

function section(title: string, lines: readonly string[], { style }: View): string[] {
  return lines.length === 0 ? [] : ["", style.bold(title), ...lines];
}

function headRows(id: string, events: readonly LoggedEvent[], active: ReleaseStatus | null, view: View): Row[] {
  if (active === null) {
    const end = events.findLast(({ event }) => endings.has(event.type));
    const text = end === undefined ? "" : `, ended ${agoText(end.at, view)} by ${actorText(end.by)}`;
    return [{ label: "release", text: `${id}${text}` }];
  }
  const { phase, thousandths, epoch, startedAt, startedBy, prepared } = active;
  return [
    { label: "release", text: id },
    { label: "step", text: `${percentText(thousandths)}, ${phase}, epoch ${epoch}` },
    {
      label: "started",
      text: `${clockText(startedAt, view)} (${agoText(startedAt, view)}) by ${actorText(startedBy)}`,
    },
    { label: "ready", text: `${countText(prepared.count)} of ${countText(prepared.of)} hold every byte of it` },
  ];
}

const endings: ReadonlySet<string> = new Set(["release-reverted", "release-completed", "release-superseded"]);

function endEvidenceOf(events: readonly LoggedEvent[]): EvidenceAnswer["evidence"] | null {
  for (const { event } of events.toReversed()) if (event.type === "release-reverted") return event.cause.evidence;
  return null;
}

function planRows(events: readonly LoggedEvent[], active: ReleaseStatus | null, dataset: string): Row[] {
  const plan = planOf(events);
  if (plan === undefined) return [];
  return [
    { label: "plan", text: planText(plan, active?.thousandths) },
    // Its bounds stand beside the test's evidence.
    ...promotionRows(plan).slice(0, 1),
    ...alertRows(plan.alerts, dataset),
  ];
}

/** The plan that a release walks by: its own, which its start says. */
function planOf(events: readonly LoggedEvent[]): Plan | undefined {
  for (const { event } of events) if (event.type === "release-started") return event.plan;
  return undefined;
}

/** A plan in one line, with the step it stands at in brackets. */
function planText({ steps, automatic, bakeMs }: Plan, thousandths: number | undefined): string {
  const below = steps.filter((step) => step.thousandths < everybodyThousandths);
  const here = below.findLast((step) => thousandths !== undefined && step.thousandths <= thousandths);
  const isEverybody = thousandths === everybodyThousandths;
  const texts = below.map((step) => {
    const text = `${percentText(step.thousandths)} ${durationText(step.holdMs)}`;
    return step === here && !isEverybody ? `[${text}]` : text;
  });
  const last = `everybody, bake ${durationText(bakeMs)}`;
  return `${[...texts, isEverybody ? `[${last}]` : last].join(" > ")}${automatic ? "" : "; a person takes every step"}`;
}

function queryRows(active: ReleaseStatus | null): Row[] {
  return (active?.queries ?? []).map(({ name, action, state, forMs, message }): Row => {
    const why = message === null ? "" : `: ${message}`;
    const text = `${name} ${state} for ${durationText(forMs)}, ${action}s where it fires${why}`;
    return { label: "query", text, kind: state === "firing" || state === "unanswered" ? "bad" : "plain" };
  });
}

function courseLines(events: readonly LoggedEvent[], view: View): string[] {
  const shown = events.slice(-eventsShownMax);
  const left = events.length - shown.length;
  const rows = shown.map(({ at, by, event }): Row => {
    const loud = event.type === "release-reverted" || event.type === "guard-off";
    return {
      label: clockText(at, view).slice(-8),
      text: `${releaseEventText(event)} (${actorText(by)})`,
      kind: loud ? "bad" : "plain",
    };
  });
  const more = left === 0 ? [] : [`  … ${countText(left)} before: sluice log`];
  return [...more, ...layOut(rows, view)];
}
