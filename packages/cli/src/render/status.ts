import type { DatasetStatus, StatusAnswer } from "@sluice/core/api";
import { durationText } from "../duration.ts";
import { addressed } from "../place.ts";
import { counted, cutTo, widthOf } from "../text.ts";
import { healthRows, historyRows, outRows, sourceRows, whereNextRows } from "./dataset-rows.ts";
import { columnsMin, layOut, leftRight, type Row, type View } from "./layout.ts";
import { guardRows, hereRows } from "./next-rows.ts";
import { clockText } from "./time.ts";

/**
 * A whole status: a line about the instance, then each dataset. Where that has more than `rowsMax` lines, what is out to some
 * comes first, then what is not healthy, then what is held, each without its history; the others have a line each.
 */
export function renderStatus(
  status: StatusAnswer,
  view: View,
  url: string,
  rowsMax: number = Number.POSITIVE_INFINITY,
): string[] {
  const { datasets } = status;
  const head = instanceLines(status, view, url);
  if (datasets.length === 0) return [...head, "", ...emptyLines(status, view)];
  const whole = [...head, ...datasets.flatMap((dataset) => ["", ...renderDataset(dataset, view)])];
  if (whole.length <= rowsMax) return whole;
  const moving = ([0, 1, 2] as const).flatMap((urgency) =>
    datasets.filter((dataset) => urgencyOf(dataset) === urgency),
  );
  const quiet = datasets.filter((dataset) => urgencyOf(dataset) === null);
  return [
    ...head,
    ...moving.flatMap((dataset) => ["", headLine(dataset, view), ...layOut(nowRows(dataset, view), view)]),
    "",
    ...quiet.map((dataset) => headLine(dataset, view)),
  ];
}

function urgencyOf({ candidate, release, health }: DatasetStatus): 0 | 1 | 2 | null {
  if (release !== null) return 0;
  if (!health.ok) return 1;
  return candidate === null ? null : 2;
}

function emptyLines({ following }: StatusAnswer, { place }: View): string[] {
  if (following !== null) {
    return [following.contactAgeMs === null ? "nothing is known yet: there was no contact" : "there are no datasets"];
  }
  return [
    "no datasets yet; create one with:",
    `  ${addressed("sluice dataset create prices --template prices", place)}`,
  ];
}

/** One dataset: what is out, to whom, since when and by whom, healthy or not, and the command that reverts it. */
export function renderDataset(dataset: DatasetStatus, view: View): string[] {
  return [
    headLine(dataset, view),
    ...layOut([...nowRows(dataset, view), ...sourceRows(dataset, view), ...historyRows(dataset, view)], view),
  ];
}

function nowRows(dataset: DatasetStatus, view: View): Row[] {
  return [
    ...guardRows(dataset, view),
    ...outRows(dataset, view),
    ...healthRows(dataset),
    ...hereRows(dataset, view),
    ...whereNextRows(dataset, view),
  ];
}

function instanceLines({ role, following, followers }: StatusAnswer, view: View, url: string): string[] {
  const { style, columns } = view;
  const parts = [url, role, counted(followers.total, "follower"), clockText(view.nowMs, view)];
  const line = style.dim(cutTo(parts.join("  "), Math.max(columnsMin, columns)));
  if (following === null) return [line];
  const { connected, contactAgeMs } = following;
  const age = contactAgeMs === null ? "no contact yet" : `contact ${durationText(contactAgeMs)} ago`;
  const text = cutTo(
    `${connected ? "follows" : "NOT CONNECTED to"} ${following.url}, ${age}`,
    Math.max(columnsMin, columns),
  );
  return [line, connected ? style.dim(text) : style.red(text)];
}

function headLine({ name, policy, stable, candidate, release, health }: DatasetStatus, view: View): string {
  const versions = [
    stable === null ? "" : `v${stable.publish}`,
    candidate === null ? "" : `v${candidate.publish}`,
  ].filter((text) => text !== "");
  const state = stateText(release, candidate !== null, stable !== null);
  const left = `${name}  ${policy}  ${[versions.join(" -> "), state].filter((text) => text !== "").join("  ")}`;
  const off = release !== null && release.guardOff !== null;
  const verdict = health.ok ? "healthy" : off ? "GUARD OFF" : "NOT HEALTHY";
  const { gap, right } = leftRight(left, verdict, view.columns);
  const { style } = view;
  const rest = left.slice(name.length);
  const mark = health.ok ? style.green(right) : style.bold(style.red(right));
  return widthOf(left) === 0 ? mark : `${style.bold(name)}${rest}${gap}${mark}`;
}

function stateText(release: DatasetStatus["release"], hasCandidate: boolean, hasStable: boolean): string {
  if (release?.phase === "baking") return "baking";
  if (release !== null) return release.hold === null ? "running" : "running, held";
  if (hasCandidate) return "held";
  return hasStable ? "" : "empty";
}
