import type { Command, ReleaseDraw, ReleaseRequest } from "./command.ts";
import type { Decision } from "./decision.ts";
import { events, percentText, reject, unchanged } from "./decision.ts";
import type { Actor, Event, QuarantinedChanges } from "./event.ts";
import type { Plan } from "./plan.ts";
import { everybodyThousandths } from "./plan.ts";
import type { DatasetState, Line, NamespaceState, ReleaseState } from "./state.ts";
import { activeRelease } from "./state.ts";
import { takenBackText } from "./taken-back.ts";

type Publish = Extract<Command, { type: "publish" }>;

/** A version that passed its checks: goes live, is held, starts a release, or is refused for what was reverted. */
export function decidePublish(state: NamespaceState, dataset: DatasetState, by: Actor, command: Publish): Decision {
  const refused = quarantined(dataset, command) ?? startHeld(dataset, by, command) ?? sameContent(dataset, command);
  if (refused !== undefined) return refused;

  if ((dataset.stable?.publish ?? null) !== command.comparedWith) {
    return reject("CONFLICT", `the stable version of ${dataset.name} changed while this one was compared with it`, {
      stable: dataset.stable?.publish ?? null,
      comparedWith: command.comparedWith,
    });
  }
  const active = activeRelease(state, dataset.name);
  if (active !== undefined) return besideRelease(dataset, active, by, command);

  const published = publishedEvent(dataset, command);
  if (dataset.stable === null || (dataset.policy === "immediate" && command.request === null)) {
    return events(by, { ...published, live: true });
  }
  if (command.request === null) return events(by, published);
  // A source goes on bringing what is new; whether that is any better, a person says who has just taken something back.
  if (by.kind === "source" && takenBackText(dataset) !== null) return events(by, published);
  return publishAndStart(dataset, by, command, command.request);
}

function besideRelease(dataset: DatasetState, active: ReleaseState, by: Actor, command: Publish): Decision {
  const { request } = command;
  if (active.phase === "baking") {
    return reject(
      "RELEASE_BAKING",
      `v${active.candidatePublish} of ${dataset.name} bakes; end the bake first (sluice release promote ${dataset.name}) or revert it (sluice revert ${dataset.name})`,
      { release: active.id },
    );
  }
  if (request?.supersede !== true) {
    return reject(
      "RELEASE_RUNNING",
      `v${active.candidatePublish} of ${dataset.name} is out to ${percentText(active.thousandths)}; wait for it, revert it, or publish with --supersede`,
      { release: active.id, publish: active.candidatePublish, thousandths: active.thousandths },
    );
  }
  return publishAndStart(dataset, by, command, request, [
    { type: "release-superseded", release: active.id, reason: `superseded by v${dataset.lastNumber + 1}` },
  ]);
}

function publishAndStart(
  dataset: DatasetState,
  by: Actor,
  command: Publish,
  { thousandths, acceptQuarantined }: ReleaseRequest,
  before: readonly Event[] = [],
): Decision {
  const { quarantinedChanges, draw } = command;
  const published = publishedEvent(dataset, command);
  if (quarantinedChanges !== null && !acceptQuarantined) {
    // The version is kept but does not start by itself, and it never takes the place of what runs.
    if (before.length === 0) return events(by, published);
    return reject("QUARANTINED_CHANGES", quarantinedText(dataset.name, quarantinedChanges), { ...quarantinedChanges });
  }
  return startOf(dataset, by, { plan: dataset.plan, thousandths, acceptQuarantined, draw }, [...before, published]);
}

/** Refuses what is no percentage. */
export function checkThousandths(thousandths: number): Decision | undefined {
  if (Number.isInteger(thousandths) && thousandths >= 0 && thousandths <= everybodyThousandths) return undefined;
  return reject("VALIDATION", `a percentage is 0 to 100 in steps of 0.001, not ${thousandths / 1000}`, { thousandths });
}

/** What a version that brings back reverted changes says of itself. */
export function quarantinedText(dataset: string, changes: { count: number; of: number; publish: number }): string {
  const count = changes.count.toLocaleString("en-US");
  const all = changes.of.toLocaleString("en-US");
  return `${count} of ${all} changes to ${dataset} were in reverted v${changes.publish}; start it with --accept-quarantined`;
}

/** The same of a version that is held since before a mark was lifted: what it shares with others is counted when it is published. */
export function heldChangesText({ name, quarantine }: DatasetState, changes: QuarantinedChanges): string {
  const mark = quarantine.find(({ publish }) => publish === changes.publish);
  if (mark !== undefined && mark.liftedKeys.length === 0) return quarantinedText(name, changes);
  const counts = `${changes.count.toLocaleString("en-US")} of ${changes.of.toLocaleString("en-US")}`;
  const since = mark === undefined ? "is lifted since" : "is lifted since for some keys";
  return `${counts} changes to ${name} were in v${changes.publish}, which ${since}; publish it again to have what is in quarantine still counted, or start it with --accept-quarantined`;
}

/** Held for more reverted changes than it has now that marks were lifted: it is another version, judged anew. */
function isFreed({ candidate, release }: DatasetState, { content, quarantinedChanges }: Publish): boolean {
  if (release !== null || candidate?.contentHash !== content.contentHash) return false;
  return (quarantinedChanges?.count ?? 0) < (candidate.quarantinedChanges?.count ?? 0);
}

function quarantined(dataset: DatasetState, command: Publish): Decision | undefined {
  const mark = dataset.quarantine.find(
    ({ publish, bytesHash }) => command.linesWithContent.includes(publish) || bytesHash === command.origin.bytesHash,
  );
  if (mark === undefined) return undefined;
  return reject(
    "QUARANTINED",
    `this content is v${mark.publish} of ${dataset.name}, reverted: ${mark.reason}; lift it with: sluice quarantine lift ${dataset.name} ${mark.publish}`,
    { publish: mark.publish, release: mark.release, revertedAt: mark.at },
  );
}

/** A person who asks for the release of the very content that is held means the held version. A source offers it again and again. */
function startHeld(dataset: DatasetState, by: Actor, command: Publish): Decision | undefined {
  const { candidate, release } = dataset;
  if (command.request === null || by.kind !== "person" || release !== null) return undefined;
  if (candidate?.contentHash !== command.content.contentHash) return undefined;
  if (isFreed(dataset, command)) return undefined;
  const { thousandths, acceptQuarantined } = command.request;
  if (candidate.quarantinedChanges !== null && !acceptQuarantined) {
    const changes = command.quarantinedChanges ?? candidate.quarantinedChanges;
    return reject("QUARANTINED_CHANGES", quarantinedText(dataset.name, changes), { ...changes });
  }
  return startOf(dataset, by, { plan: dataset.plan, thousandths, acceptQuarantined, draw: command.draw });
}

/** The start of a release of what is, or is about to be, held; behind other events of the same append where there are some. */
export function startOf(
  dataset: DatasetState,
  by: Actor,
  start: {
    readonly plan: Plan;
    /** Null takes the plan's first step. */
    readonly thousandths: number | null;
    readonly acceptQuarantined: boolean;
    readonly draw: ReleaseDraw;
  },
  before: readonly Event[] = [],
): Decision {
  const { plan, acceptQuarantined, draw } = start;
  const thousandths = start.thousandths ?? plan.steps[0]?.thousandths ?? 0;
  const outOfRange = checkThousandths(thousandths);
  if (outOfRange !== undefined) return outOfRange;
  const { release, salt } = draw;
  const started: Event = {
    type: "release-started",
    release,
    dataset: dataset.name,
    salt,
    plan,
    thousandths,
    acceptQuarantined,
  };
  if (thousandths < everybodyThousandths) {
    const isBelow = thousandths < (plan.steps[0]?.thousandths ?? everybodyThousandths);
    if (!plan.automatic || !isBelow) return events(by, ...before, started);
    // Whoever starts with less than the plan's first step wants just that, as with a percentage set by hand.
    const cause = { reason: "it was started below the plan's first step; resume lets the plan go on", evidence: null };
    return events(by, ...before, started, { type: "release-held", release, cause });
  }
  // With everybody at once it bakes: a release that runs is below 100 %, which is what leases and guards go by.
  const promoted: Event = { type: "release-promoted", release, reason: "started with everybody", evidence: null };
  return events(by, ...before, started, promoted);
}

function sameContent(dataset: DatasetState, command: Publish): Decision | undefined {
  const same = (line: Line | null): boolean => line?.contentHash === command.content.contentHash;
  const known = [isFreed(dataset, command) ? null : dataset.candidate, dataset.stable];
  const line = known.find(same) ?? null;
  if (line === null) return undefined;
  const role = line === dataset.stable ? "stable" : dataset.release === null ? "held" : "being released";
  return unchanged(`the content is that of v${line.number} of ${dataset.name}, which is ${role}`, {
    number: line.number,
  });
}

function publishedEvent(dataset: DatasetState, command: Publish): Extract<Event, { type: "version-published" }> {
  const { parent, content, origin, difference, warnings, changes, quarantinedChanges } = command;
  const number = dataset.lastNumber + 1;
  return {
    type: "version-published",
    dataset: dataset.name,
    number,
    parent,
    content,
    origin,
    difference,
    warnings,
    changes,
    quarantinedChanges,
    live: false,
  };
}

/** A version that a check refused gets a number, so that people can name it; anything else refused gets none. */
export function decideRefusal(
  dataset: DatasetState,
  by: Actor,
  command: Extract<Command, { type: "refuse-publish" }>,
): Decision {
  const { code, message, findings, origin } = command;
  const last = dataset.lastRefusal;
  const repeated =
    by.kind === "source" &&
    last !== null &&
    origin !== null &&
    last.code === code &&
    last.origin?.bytesHash === origin.bytesHash;
  if (repeated) return unchanged(`refused already: ${last.message}`);
  const number = code === "CHECK_REFUSED" ? dataset.lastNumber + 1 : null;
  return events(by, { type: "publish-refused", dataset: dataset.name, number, code, message, findings, origin });
}
