import { percentText } from "@sluice/core";
import type { DatasetStatus, ReleaseStatus } from "@sluice/core/api";
import { countText } from "../text.ts";
import { exampleLines } from "./difference.ts";
import { layOut, type Row, type View } from "./layout.ts";
import { renderDataset } from "./status.ts";
import { actorText, agoText, clockText } from "./time.ts";

/** All about a running release: the dataset's status, the step, the evidence, and what the version changes. */
export function renderRelease(dataset: DatasetStatus, view: View): string[] {
  const { release, candidate } = dataset;
  const rows = release === null ? [] : [...stepRows(release, view), ...evidenceRows(release)];
  const changes = candidate === null ? [] : exampleLines(candidate.difference, view.columns);
  return [
    ...renderDataset(dataset, view),
    ...(rows.length === 0 ? [] : ["", ...layOut(rows, view)]),
    ...(changes.length === 0 ? [] : ["", "  changes", ...changes]),
  ];
}

function stepRows(release: ReleaseStatus, view: View): Row[] {
  const { id, phase, thousandths, epoch, startedAt, startedBy, prepared } = release;
  const started = `${clockText(startedAt, view)} (${agoText(startedAt, view)}) by ${actorText(startedBy)}`;
  return [
    { label: "release", text: id },
    { label: "step", text: `${percentText(thousandths)}, ${phase}, epoch ${epoch}` },
    { label: "started", text: started },
    { label: "ready", text: `${countText(prepared.count)} of ${countText(prepared.of)} hold every byte of it` },
  ];
}

function evidenceRows({ comparison, evidence }: ReleaseStatus): Row[] {
  const rows: Row[] = [{ label: "compared", text: comparison }];
  if (evidence === null) return rows;
  const { comparativeEvidence, threshold, kinds, absoluteEvidence, lateReports } = evidence;
  rows.push({
    label: "evidence",
    text: `${number(comparativeEvidence)} against it, reverts at ${number(threshold)}`,
  });
  for (const kind of kinds) {
    const { candidateFailures, controlFailures } = kind;
    const counts = `candidate ${countText(candidateFailures)}, control ${countText(controlFailures)}`;
    rows.push({ label: "", text: `${kind.kind}: ${counts}, evidence ${number(kind.evidence)}` });
  }
  for (const rule of absoluteEvidence) {
    const { errorRateLimit, windowMs, window, threshold: reverts } = rule;
    const rate = `${countText(window.candidateFailures)} of ${countText(window.candidateRequests)} failed`;
    const limit = `limit ${Number((errorRateLimit * 100).toPrecision(3))} % over ${windowMs / 1_000} s`;
    rows.push({
      label: "",
      text: `${limit}: ${rate}, evidence ${number(rule.absoluteEvidence)}, reverts at ${number(reverts)}`,
    });
  }
  if (lateReports > 0) rows.push({ label: "", text: `${countText(lateReports)} reports came too late to count` });
  return rows;
}

function number(value: number): string {
  return String(Number(value.toPrecision(3)));
}
