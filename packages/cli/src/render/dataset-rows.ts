import { percentText } from "@sluice/core";
import type { ArmStatus, DatasetStatus, LineStatus, ReleaseStatus, SourceStatus } from "@sluice/core/api";
import { durationText } from "../duration.ts";
import { counted, countText, shareText } from "../text.ts";
import { differenceText } from "./difference.ts";
import type { Row } from "./layout.ts";
import { nextRows } from "./next-rows.ts";
import { receiptText, receiptWarnings } from "./receipt.ts";
import { actorText, agoText, clockText, type TimeView } from "./time.ts";
import { droppedText } from "./restored.ts";

/** What is out, to whom, since when and by whom. */
export function outRows(dataset: DatasetStatus, view: TimeView): Row[] {
  const { stable, candidate, release } = dataset;
  if (stable === null) return [{ label: "out", text: "nothing yet" }];
  if (release === null || candidate === null) {
    return [
      { label: "out", text: lineText(stable) },
      { label: "to", text: "everybody" },
      { label: "since", text: `${sinceText(stable.since, view)} by ${actorText(stable.by)}` },
    ];
  }
  const started =
    release.startedAt === release.since
      ? ""
      : `, started ${agoText(release.startedAt, view)} by ${actorText(release.startedBy)}`;
  return [
    { label: "out", text: `v${candidate.publish} over v${stable.publish}: ${differenceText(candidate.difference)}` },
    { label: "to", text: toWhomText(release, candidate, { stable, view }) },
    { label: "since", text: `${sinceText(release.since, view)} by ${actorText(release.by)}${started}` },
  ];
}

/** Healthy or not, and why. */
export function healthRows({ health, release, candidate, stable }: DatasetStatus): Row[] {
  // A guard that is off has a row of its own, louder than this one.
  const said = health.reasons.filter(
    (reason) => (release?.guardOff ?? null) === null || !reason.startsWith("the guard is OFF"),
  );
  const arms =
    release === null || candidate === null || stable === null
      ? ""
      : armsText(release, candidate.publish, stable.publish);
  if (!health.ok) {
    const reasons = (said.length === 0 ? ["nobody watches the failures: the guard is off"] : said).map(
      (text, index): Row => ({ label: index === 0 ? "health" : "", text, kind: "bad" }),
    );
    return arms === "" ? reasons : [...reasons, { label: "", text: arms }];
  }
  return [{ label: "health", text: arms === "" ? "ok" : `ok: ${arms}`, kind: arms === "" ? "good" : "plain" }];
}

/** What happens next, or what a person can do next, and the command that takes back what is out. */
export function whereNextRows(dataset: DatasetStatus, view: TimeView): Row[] {
  const { name, stable, candidate, release, revertCommand } = dataset;
  if (release !== null) {
    const revert = revertCommand ?? `sluice revert ${name}`;
    return [...nextRows(dataset, release, view), { label: "revert", text: revert, kind: "command" }];
  }
  if (candidate !== null) {
    const { quarantinedChanges } = candidate;
    const accept = quarantinedChanges === null ? "" : " --accept-quarantined";
    const rows: Row[] = [
      {
        label: "held",
        text: `v${candidate.publish} by ${actorText(candidate.by)} ${agoText(candidate.since, view)}: ${differenceText(candidate.difference)}`,
      },
    ];
    if (quarantinedChanges !== null) {
      const { count, of, publish } = quarantinedChanges;
      rows.push({
        label: "",
        text: `${countText(count)} of ${countText(of)} changes were in reverted v${publish}`,
        kind: "bad",
      });
    }
    return [
      ...rows,
      { label: "next", text: `sluice release start ${name}${accept}`, kind: "command" },
      nothingToRevert,
    ];
  }
  if (stable === null) return [{ label: "next", text: `sluice publish ${name} FILE`, kind: "command" }];
  return [nothingToRevert];
}

const nothingToRevert: Row = { label: "revert", text: "nothing runs or bakes" };

/** A line for each source. Where it is why the dataset is not healthy, the reason stands above already. */
export function sourceRows({ health, sources }: DatasetStatus, view: TimeView): Row[] {
  return sources.map((source) => ({
    label: "source",
    text: sourceText(isSaid(health, source.message) ? { ...source, message: null } : source, view),
    kind: source.state === "failing" || source.state === "refused" ? ("bad" as const) : ("plain" as const),
  }));
}

function isSaid(health: DatasetStatus["health"], message: string | null): boolean {
  return message !== null && health.reasons.some((reason) => reason.includes(message));
}

/** How a source fares, and where it is. */
export function sourceText(source: SourceStatus, view: TimeView): string {
  const { id, url, state, onNew, intervalMs, lastSuccessAt, message } = source;
  const success = lastSuccessAt === null ? "never reached" : `reached ${agoText(lastSuccessAt, view)}`;
  const rhythm = url.startsWith("file:") ? "watched" : `every ${durationText(intervalMs)}`;
  const found = onNew === "hold" ? "holds" : "releases";
  const why = message === null ? "" : `: ${message}`;
  return `${id} ${state}${why}; ${success}, ${rhythm}, ${found} what is new; ${url}`;
}

/** What was refused, reverted and brought back last, and what does not come back by itself. */
export function historyRows(dataset: DatasetStatus, view: TimeView): Row[] {
  const { name, health, lastRefusal, lastRevert, restored, quarantine } = dataset;
  const rows: Row[] = [];
  if (lastRefusal !== null) {
    const { number, at, code, message } = lastRefusal;
    const what = number === null ? "an upload" : `v${number}`;
    const why = isSaid(health, message) ? "as said above" : message;
    rows.push({ label: "refused", text: `${what} ${agoText(at, view)}, ${code}: ${why}` });
  }
  if (lastRevert !== null) {
    const { publish, at, by, cause, receipt } = lastRevert;
    rows.push({ label: "reverted", text: `v${publish} ${agoText(at, view)} by ${actorText(by)}: ${cause.reason}` });
    if (receipt !== null) {
      rows.push({ label: "", text: receiptText(receipt) });
      rows.push(...receiptWarnings(receipt).map((text): Row => ({ label: "", text, kind: "bad" })));
    }
  }
  if (restored !== null) {
    const { version, number, mode, dropped, at, by, reason, receipt } = restored;
    const how = mode === "exact" ? "as it was" : "with the patches since";
    const left = droppedText(dropped);
    const text = `RESTORED v${version} ${how} as v${number}, ${left}, ${agoText(at, view)} by ${actorText(by)}: ${reason}`;
    rows.push({ label: "restored", text });
    if (receipt !== null) {
      rows.push({ label: "", text: receiptText(receipt) });
      rows.push(...receiptWarnings(receipt).map((warning): Row => ({ label: "", text: warning, kind: "bad" })));
    }
  }
  if (quarantine.length > 0) {
    const versions = quarantine.map(({ publish }) => `v${publish}`).join(", ");
    rows.push({ label: "marks", text: `${versions} cannot come back by itself` });
    rows.push({ label: "", text: `sluice quarantine list ${name}`, kind: "command" });
  }
  return rows;
}

function lineText({ publish, number, items }: LineStatus): string {
  const patched = number === publish ? "" : `, patched up to v${number}`;
  return `v${publish}${patched} (${counted(items, "item")})`;
}

function sinceText(atMs: number, view: TimeView): string {
  return `${clockText(atMs, view)} (${agoText(atMs, view)})`;
}

function toWhomText(
  release: ReleaseStatus,
  candidate: LineStatus,
  { stable, view }: { readonly stable: LineStatus; readonly view: TimeView },
): string {
  const { phase, thousandths, servedShare, prepared } = release;
  const ready =
    prepared.count < prepared.of ? `; ready on ${countText(prepared.count)} of ${countText(prepared.of)}` : "";
  if (phase === "baking") return `everybody sees v${candidate.publish}; v${stable.publish} stays warm${ready}`;
  if (view.place?.leaseOver === true) {
    return `nobody here: all see v${stable.publish}; ${percentText(thousandths)} of users at the last contact`;
  }
  const served = servedShare === null ? "nothing served yet" : `really served ${shareText(servedShare)}`;
  return `${percentText(thousandths)} of users (${served}), the rest v${stable.publish}${ready}`;
}

function armsText({ candidateArm, controlArm, comparison }: ReleaseStatus, candidate: number, stable: number): string {
  if (candidateArm.requests + controlArm.requests === 0) return "no requests counted yet";
  const off = comparison.startsWith("on") ? "" : `; not compared: ${comparison}`;
  return `v${candidate} failed ${armText(candidateArm)}, v${stable} ${armText(controlArm)}${off}`;
}

function armText({ requests, failures }: ArmStatus): string {
  const rate = requests === 0 ? "" : ` (${shareText(failures / requests)})`;
  return `${countText(failures)} of ${countText(requests)}${rate}`;
}
