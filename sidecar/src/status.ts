import type { Actor, Cause, DatasetState, Line, NamespaceState, ReleaseState } from "@sluice/core";
import {
  activeRelease,
  everybodyThousandths,
  evolve,
  holdMsAt,
  isActive,
  nextStep,
  own,
  restoredName,
} from "@sluice/core";
import type {
  CandidateStatus,
  DatasetStatus,
  FollowerStatus,
  HereStatus,
  LineStatus,
  Mark,
  QueryStatus,
  Receipt,
  ReleaseStatus,
  RestoredStatus,
  RevertStatus,
  SourceStatus,
  StatusAnswer,
  StoreStatus,
} from "@sluice/core/api";
import type { GuardStatus } from "./guard.ts";
import { holderText } from "./holder-text.ts";
import { isCutOff } from "./mark-reach.ts";

/** How many followers a status names. */
const followersNamedMax = 100;

/** For how long a revert may run ahead of the log without that being worth a word, in milliseconds. */
const aheadMsMax = 1_000;

/** Evidence from which on a candidate counts as suspicious. */
const suspiciousEvidence = 10;

/** What a status is made from. */
export interface StatusSources {
  readonly instance: string;
  readonly role: "origin" | "follower";
  readonly log: string | null;
  readonly state: NamespaceState;
  readonly at: number;
  readonly following: StatusAnswer["following"];
  readonly followers: {
    list(): readonly FollowerStatus[];
    prepared(release: string): { readonly count: number; readonly of: number };
    receipt(release: string, action: Receipt["action"]): Receipt | undefined;
  };
  /** Evidence is the origin's alone; undefined elsewhere. */
  guard(release: string): GuardStatus | undefined;
  /** Sources are pulled by the origin alone; none elsewhere. */
  sources(dataset: string): readonly SourceStatus[];
  /** Reverts that run ahead of the state; who gave them and why where that is known here. */
  marks(): readonly AheadRevert[];
  /** How far a mark has got where that is not everywhere, of a follower; null or left out where nothing speaks against it. */
  reach?(mark: Mark): string | null;
  /** Which hosts keep an active release from themselves. */
  here(): readonly HereStatus[];
  /** What is wrong with a dataset here beside its release and its sources, a sentence each. */
  faults(dataset: DatasetState): readonly string[];
  /** The queries of a release's plan; an origin's alone. */
  queries?(release: string): readonly QueryStatus[] | undefined;
  /** What its store takes up; an origin's alone. */
  readonly store?: StoreStatus;
}

/** A revert that runs ahead of the log. */
export interface AheadRevert extends Mark {
  readonly by?: Actor;
  readonly cause?: Cause;
}

/** One look at an instance. What a mark has taken back is shown as reverted: nobody sees it, whatever the log says by now. */
export function statusOf(given: StatusSources): StatusAnswer {
  const ahead = given.marks().filter(({ release }) => isActiveIn(given.state, release));
  const from: StatusSources = { ...given, state: ahead.reduce(withMark, given.state) };
  const followers = from.followers.list();
  return {
    instance: from.instance,
    role: from.role,
    log: from.log,
    sequence: given.state.sequence,
    at: from.at,
    following: from.following,
    datasets: Object.values(from.state.datasets)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((dataset) => datasetStatus(from, dataset, aheadReasons(given, dataset.name, ahead))),
    followers: { total: followers.length, list: followers.slice(0, followersNamedMax) },
    ...(from.store === undefined ? {} : { store: from.store }),
  };
}

function datasetStatus(from: StatusSources, dataset: DatasetState, ahead: readonly string[]): DatasetStatus {
  const active = activeRelease(from.state, dataset.name);
  const release = active === undefined ? null : releaseStatus(from, active);
  const sources = from.sources(dataset.name);
  const { lastRefusal } = dataset;
  const here = release === null ? [] : from.here().filter((its) => its.release === release.id);
  const reasons = [
    ...here.map((its) => hereReason(dataset.name, its)),
    ...ahead,
    ...from.faults(dataset),
    ...healthReasons(release, release === null ? "" : (from.guard(release.id)?.standing ?? ""), sources),
  ];
  return {
    name: dataset.name,
    policy: dataset.policy,
    stable: dataset.stable === null ? null : stableStatus(dataset.stable, dataset.stableSince),
    candidate: dataset.candidate === null ? null : candidateStatus(dataset.candidate),
    release,
    health: { ok: reasons.length === 0, reasons },
    revertCommand: release === null ? null : revertCommandOf(from, dataset.name),
    lastRevert: lastRevert(from, dataset.name),
    restored: restoredStatus(from, dataset),
    here,
    lastRefusal:
      lastRefusal === null
        ? null
        : {
            at: lastRefusal.at,
            number: lastRefusal.number,
            code: lastRefusal.code,
            message: refusalText(dataset, lastRefusal.message),
          },
    quarantine: dataset.quarantine.map(({ publish, release: reverted, at, by, reason, liftedKeys }) => ({
      publish,
      release: reverted,
      at,
      by,
      reason,
      liftedKeys: liftedKeys.length,
    })),
    sources,
  };
}

/** A mark that was lifted since the refusal does not have to be lifted any more. */
function refusalText({ quarantine }: DatasetState, message: string): string {
  const lift = /; lift it with: sluice quarantine lift \S+ (\d+)$/.exec(message);
  if (lift === null || quarantine.some(({ publish }) => publish === Number(lift[1]))) return message;
  return `${message.slice(0, lift.index)}; it was lifted since`;
}

/** What works now: whoever is cut off can take it back on its own host alone. */
function revertCommandOf({ following }: StatusSources, dataset: string): string {
  return `sluice revert ${dataset}${following !== null && isCutOff(following) ? " --here" : ""}`;
}

function lineStatus({ number, publish, items, contentHash, publishedAt, publishedBy }: Line): LineStatus {
  return { number, publish, items, contentHash, since: publishedAt, by: publishedBy };
}

/** Since when everybody sees it, which for a released version is not when it was published. */
function stableStatus(line: Line, since: DatasetState["stableSince"]): LineStatus {
  return { ...lineStatus(line), since: since?.at ?? line.publishedAt, by: since?.by ?? line.publishedBy };
}

function candidateStatus(line: Line): CandidateStatus {
  return { ...lineStatus(line), difference: line.difference, quarantinedChanges: line.quarantinedChanges };
}

function releaseStatus(from: StatusSources, release: ReleaseState): ReleaseStatus {
  const guard = from.guard(release.id);
  const evidence = guard?.evidence ?? null;
  const served = guard?.served ?? { candidate: 0, stable: 0 };
  const views = served.candidate + served.stable;
  const queries = from.queries?.(release.id);
  return {
    id: release.id,
    phase: release.phase,
    thousandths: release.thousandths,
    epoch: release.epoch,
    since: release.setAt,
    by: release.stepBy,
    startedAt: release.startedAt,
    startedBy: release.startedBy,
    hold: release.hold,
    guardOff: release.guardOff,
    // What comes next nobody here would hear of.
    next: from.following !== null && isCutOff(from.following) ? null : nextOf(release),
    candidateArm: { requests: evidence?.candidateRequests ?? 0, failures: evidence?.candidateFailures ?? 0 },
    controlArm: { requests: evidence?.controlRequests ?? 0, failures: evidence?.controlFailures ?? 0 },
    servedShare: views === 0 ? null : served.candidate / views,
    comparison: evidence?.comparison ?? (from.role === "origin" ? "on" : "on, at the origin"),
    evidence,
    prepared: from.followers.prepared(release.id),
    ...(queries === undefined ? {} : { queries }),
  };
}

function nextOf(release: ReleaseState): ReleaseStatus["next"] {
  const { plan, thousandths, stepSince, hold, phase } = release;
  if (hold !== null) return null;
  if (phase === "baking") {
    return { thousandths: everybodyThousandths, at: stepSince + plan.bakeMs, promotion: null };
  }
  // What the plan does once the guard is on again depends on what the guard sees then.
  if (!plan.automatic || release.guardOff !== null) return null;
  const step = nextStep(plan, thousandths)?.thousandths ?? everybodyThousandths;
  const at = stepSince + holdMsAt(plan, thousandths);
  if (plan.promotion === null) return { thousandths: step, at, promotion: null };
  const { waitMaxMs, otherwise } = plan.promotion;
  return { thousandths: step, at, promotion: { until: at + waitMaxMs, otherwise } };
}

/** Nobody must take one host's numbers for everybody's. */
function hereReason(dataset: string, { host, publish, by, reason }: HereStatus): string {
  return `v${publish} is reverted on ${host} alone, by ${by.kind} ${by.name}: ${reason} (on ${host}: sluice lift ${dataset} --here)`;
}

function isActiveIn(state: NamespaceState, id: string): boolean {
  const release = own(state.releases, id);
  return release !== undefined && isActive(release);
}

/** The state that the log will have once the store takes the revert. */
function withMark(state: NamespaceState, mark: AheadRevert): NamespaceState {
  const { release, at } = mark;
  const { cause = { reason: "announced to every follower, not in the log yet", evidence: null } } = mark;
  const { by = { kind: "alert", name: "mark" } } = mark;
  return evolve(state, { sequence: state.sequence + 1, at, by, event: { type: "release-reverted", release, cause } });
}

/** A mark that the log takes within a moment is no fault. */
function aheadReasons(from: StatusSources, dataset: string, ahead: readonly Mark[]): string[] {
  const { state, at, role } = from;
  return ahead.flatMap((mark) => {
    const reverted = own(state.releases, mark.release);
    if (reverted?.dataset !== dataset || at - mark.at < aheadMsMax) return [];
    const version = `v${reverted.candidatePublish}`;
    const reach = from.reach?.(mark) ?? null;
    if (reach !== null) return [`${version} is reverted ${reach}`];
    const why = role === "origin" ? ": the store does not take it" : " yet";
    return [`${version} is reverted and no new view sees it, but the log does not say so${why}`];
  });
}

function healthReasons(release: ReleaseStatus | null, standing: string, sources: readonly SourceStatus[]): string[] {
  const reasons: string[] = [];
  const evidence = release?.evidence?.comparativeEvidence ?? 0;
  if (evidence >= suspiciousEvidence) {
    reasons.push(`the candidate fails more often than the control (evidence ${evidence.toPrecision(3)})${standing}`);
  }
  if (release !== null && release.guardOff !== null) {
    const { by, until, reason: why } = release.guardOff;
    reasons.push(`the guard is OFF until ${new Date(until).toISOString()}, by ${by.kind} ${by.name}: ${why}`);
  }
  if (release !== null && release.hold !== null && release.hold.by.kind !== "person") {
    const { by, cause } = release.hold;
    reasons.push(`held by ${holderText(by)}: ${cause.reason}`);
  }
  for (const { id, state, message } of sources) {
    if (state === "failing" || state === "refused") reasons.push(`source ${id} is ${state}: ${message ?? "no reason"}`);
  }
  return reasons;
}

/** Until something else is stable. */
function restoredStatus(from: StatusSources, { name, stable, stableSince }: DatasetState): RestoredStatus | null {
  if (stable === null || stable.restored === null || stableSince === null) return null;
  const { publish: number, restored } = stable;
  const receipt = from.followers.receipt(restoredName(name, number), "restore") ?? null;
  return { ...restored, number, at: stableSince.at, by: stableSince.by, receipt };
}

function lastRevert(from: StatusSources, dataset: string): RevertStatus | null {
  let last: ReleaseState | undefined;
  for (const release of Object.values(from.state.releases)) {
    if (release.dataset !== dataset || release.phase !== "reverted") continue;
    if (last === undefined || (release.ended?.at ?? 0) >= (last.ended?.at ?? 0)) last = release;
  }
  if (last === undefined || last.ended === null) return null;
  const { at, by, cause } = last.ended;
  const receipt = from.followers.receipt(last.id, "revert") ?? null;
  return { release: last.id, publish: last.candidatePublish, at, by, cause, receipt };
}
