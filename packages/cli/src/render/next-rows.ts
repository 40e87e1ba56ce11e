import { type Actor, everybodyThousandths, percentText } from "@sluice/core";
import type { DatasetStatus, NextStep, ReleaseStatus } from "@sluice/core/api";
import { durationText } from "../duration.ts";
import { needsText, promotionText } from "./evidence.ts";
import type { Row } from "./layout.ts";
import { actorText, agoText, clockText, type TimeView, untilText } from "./time.ts";

/** What a running or baking release does next by itself, what keeps it from it, and the command that lets it go on. */
export function nextRows({ name, health }: DatasetStatus, release: ReleaseStatus, view: TimeView): Row[] {
  const { hold, next, phase, guardOff } = release;
  if (hold !== null) {
    // Where the hold is why the dataset is not healthy, the reason stands above already.
    const said = health.reasons.some((reason) => reason.includes(hold.cause.reason));
    return [
      { label: "held", text: `${holdText(hold, view)}${said ? "" : `: ${hold.cause.reason}`}${endText(release)}` },
      view.place?.cutOff === true
        ? notFromHere
        : { label: "next", text: `sluice release resume ${name}`, kind: "command" },
    ];
  }
  if (view.place?.cutOff === true) return [notFromHere];
  // The plan waits with the guard; a bake goes on.
  if (guardOff !== null && phase === "running") {
    return [{ label: "next", text: "nothing by itself while the guard is off" }];
  }
  if (next === null) {
    if (phase === "baking") return [{ label: "next", text: "the bake ends by hand" }];
    return [{ label: "next", text: `sluice release percent ${name} PERCENT`, kind: "command" }];
  }
  return [{ label: "next", text: nextText(release, next, view) }];
}

const notFromHere: Row = { label: "next", text: "given at the origin, with which there is no contact" };

/** A step comes within a second of its time; from this lateness on something keeps it, in milliseconds. */
const lateMs = 5_000;

/** Which step comes when, and what it waits for. */
export function nextText({ phase, evidence }: ReleaseStatus, next: NextStep, view: TimeView): string {
  const { at, promotion } = next;
  const isLate = view.nowMs - at > lateMs;
  if (phase === "baking")
    return isLate ? lateText("the end of the bake", at, view) : `the bake ends at ${untilText(at, view)}`;
  const what = toText(next.thousandths);
  if (isLate && promotion === null) return lateText(what, at, view);
  const isDue = at <= view.nowMs;
  if (promotion === null)
    return isDue ? `${what} any moment, by the plan` : `${what} at ${untilText(at, view)}, by the plan`;
  const when = isDue ? `${what} as soon as the promotion test opens` : `${what} at ${untilText(at, view)}`;
  if (evidence?.promotion.open === true) {
    return isDue
      ? `${what} any moment: the promotion test is open`
      : `${when}, by the plan: the promotion test is open`;
  }
  const needs = evidence === null ? "when the promotion test allows it" : promotionText(evidence.promotion);
  const then = promotion.otherwise === "hold" ? "then holds" : "then goes on without it";
  return `${when}: ${needs}; waits until ${clockText(promotion.until, view)}, ${then}`;
}

/** What by time alone would long have come is not promised for the next moment. */
function lateText(what: string, atMs: number, view: TimeView): string {
  return `${what} was due at ${clockText(atMs, view)} (${agoText(atMs, view)}) and has not come`;
}

function toText(thousandths: number): string {
  return thousandths === everybodyThousandths ? "everybody" : percentText(thousandths);
}

/** Whose a hold is, and since when. */
function holdText({ by, at }: NonNullable<ReleaseStatus["hold"]>, view: TimeView): string {
  return `by ${actorText(by)} ${agoText(at, view)}`;
}

/** How a hold ends other than by a person. */
function endText({ hold, evidence }: ReleaseStatus): string {
  const by: Actor | undefined = hold?.by;
  if (by?.kind === "plan") {
    const needs = evidence === null ? "" : ` (${needsText(evidence.promotion)})`;
    return `; ends by itself when the test opens${needs}, resume takes the step now`;
  }
  // Processes that vanished, and an application that refuses the version, are for a person to judge.
  if (by === undefined || by.name === "vanished" || by.name === "refused") return "";
  if (by.kind === "guard") return "; ends by itself when the evidence fades, or by resume";
  if (by.kind === "alert") return "; ends by itself when that is resolved, or by resume";
  return "";
}

/** That the guard is off: for how long, by whom, why, and how it is turned on. */
export function guardRows({ name, release }: DatasetStatus, view: TimeView): Row[] {
  if (release === null || release.guardOff === null) return [];
  const { by, until, reason } = release.guardOff;
  const text = `OFF until ${clockText(until, view)} (${durationText(until - view.nowMs)} more) by ${actorText(by)}: ${reason}`;
  return [
    { label: "guard", text, kind: "alarm" },
    { label: "", text: `sluice guard on ${name}`, kind: "command" },
  ];
}

/** Hosts that do not show what runs, for themselves. */
export function hereRows({ name, here }: DatasetStatus, view: TimeView): Row[] {
  return here.flatMap(({ host, publish, at, by, reason, followers }): Row[] => {
    const heed = `${followers} ${followers === 1 ? "follower heeds" : "followers heed"} it`;
    const text = `v${publish} is not shown on ${host} since ${agoText(at, view)} by ${actorText(by)}: ${reason}; ${heed}`;
    return [
      { label: "here", text, kind: "bad" },
      // Nobody knows where that host's instance listens; one that is not named must not be taken for it.
      { label: "", text: `sluice lift ${name} --here --url URL   (on ${host})`, kind: "command" },
    ];
  });
}
