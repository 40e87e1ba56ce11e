import { own } from "../own.ts";
import type { Command } from "./command.ts";
import { checkThousandths, heldChangesText, startOf } from "./decide-publish.ts";
import { stepEvent } from "./decide-tick.ts";
import type { Decision } from "./decision.ts";
import { events, percentText, reject, unchanged } from "./decision.ts";
import type { Actor, Event } from "./event.ts";
import { everybodyThousandths } from "./plan.ts";
import type { DatasetState, NamespaceState, ReleaseState } from "./state.ts";
import { activeRelease, isActive } from "./state.ts";

type CommandOf<T extends Command["type"]> = Extract<Command, { type: T }>;

/** A guard cannot be turned off for longer, in milliseconds: a night. */
export const guardOffMsMax = 43_200_000;
const guardOffMsMin = 1_000;

/** For how long a second revert is answered with the first one's receipt, in milliseconds. */
export const revertRepeatMs = 300_000;

/** Shows the held candidate to its first percentage. */
export function decideStart(
  state: NamespaceState,
  dataset: DatasetState,
  by: Actor,
  command: CommandOf<"start-release">,
): Decision {
  const { candidate } = dataset;
  const active = activeRelease(state, dataset.name);
  if (active !== undefined) {
    return reject(
      "RELEASE_RUNNING",
      `v${active.candidatePublish} of ${dataset.name} is out to ${percentText(active.thousandths)} already`,
      { release: active.id },
    );
  }
  if (candidate === null) {
    return reject("NOTHING_HELD", `${dataset.name} holds no version to release; publish one first`, {
      stable: dataset.stable?.publish ?? null,
    });
  }
  if (command.publish !== null && command.publish !== candidate.publish) {
    return reject("CONFLICT", `v${command.publish} is not held any more; v${candidate.publish} is`, {
      held: candidate.publish,
    });
  }
  if (candidate.quarantinedChanges !== null && !command.acceptQuarantined) {
    const changes = candidate.quarantinedChanges;
    return reject("QUARANTINED_CHANGES", heldChangesText(dataset, changes), { ...changes });
  }
  const { thousandths, acceptQuarantined, draw } = command;
  return startOf(dataset, by, { plan: command.plan ?? dataset.plan, thousandths, acceptQuarantined, draw });
}

/** Moves the percentage by hand. A plan that ran by itself is held, so that it does not move on from what a person chose. */
export function decidePercentage(state: NamespaceState, by: Actor, command: CommandOf<"set-percentage">): Decision {
  return onActive(state, command.release, (release) => {
    const { thousandths } = command;
    const wrong = checkThousandths(thousandths) ?? staleEpoch(release, command.epoch);
    if (wrong !== undefined) return wrong;
    if (release.phase === "baking") {
      if (thousandths === everybodyThousandths) return unchanged("everybody sees it already", { release: release.id });
      return reject(
        "RELEASE_BAKING",
        `everybody sees v${release.candidatePublish} of ${release.dataset} since it was promoted; a lower percentage would give people the old version again: revert it instead`,
        { release: release.id },
      );
    }
    if (thousandths === release.thousandths) {
      return unchanged(`it is out to ${percentText(thousandths)} already`, { release: release.id });
    }
    if (thousandths === everybodyThousandths) {
      return events(by, promoted(release, "set to 100 % by hand"));
    }
    const set: Event = {
      type: "percentage-set",
      release: release.id,
      thousandths,
      reason: "set by hand",
      evidence: null,
    };
    if (!release.plan.automatic || release.hold?.by.kind === "person") return events(by, set);
    const cause = { reason: "the percentage was set by hand; resume lets the plan go on", evidence: null };
    return events(by, set, { type: "release-held", release: release.id, cause });
  });
}

/**
 * Stops the plan until a resume. A hold never keeps a guard or an alert from reverting. Who wants a hold takes over one that ends
 * with less: the plan's with time, the guard's with its evidence, an alert's when it is resolved; a person's never ends by itself.
 */
export function decideHold(state: NamespaceState, by: Actor, command: CommandOf<"hold">): Decision {
  return onActive(state, command.release, (release) => {
    const off = guardOffOf(release, by);
    if (off !== undefined) return off;
    return release.hold === null || takesOver(by, release.hold.by)
      ? events(by, { type: "release-held", release: release.id, cause: command.cause })
      : unchanged(`held already: ${release.hold.cause.reason}`, { release: release.id });
  });
}

/** Lets the plan go on. A person takes back every hold, the guard, an alert and a query only their own. */
export function decideResume(state: NamespaceState, by: Actor, command: CommandOf<"resume">): Decision {
  return onActive(state, command.release, (release) => {
    if (release.hold === null) return unchanged("it is not held", { release: release.id });
    const off = guardOffOf(release, by);
    if (off !== undefined) return off;
    const { hold } = release;
    if (by.kind !== "person" && !isSameActor(hold.by, by)) {
      return unchanged(`held by ${hold.by.kind} ${hold.by.name}, not by ${by.kind} ${by.name}`, {
        release: release.id,
      });
    }
    const resumed: Event = { type: "release-resumed", release: release.id, reason: command.reason };
    // The plan waits for evidence, and a person's word is as good.
    if (hold.by.kind === "plan") return events(by, resumed, stepEvent(release, command.reason, null));
    return events(by, resumed);
  });
}

/** The higher takes a hold over from the lower. */
const holderRank: Readonly<Record<Actor["kind"], number>> = {
  plan: 0,
  source: 0,
  origin: 0,
  guard: 1,
  alert: 2,
  person: 3,
};

/** Whether two are the same: of one kind and name. */
export function isSameActor(a: Actor, b: Actor): boolean {
  return a.kind === b.kind && a.name === b.name;
}

/** Whether a hold by one actor takes the place of another's that is in force. */
export function takesOver(by: Actor, holder: Actor): boolean {
  return holderRank[by.kind] > holderRank[holder.kind];
}

/** What the guard wants while it is off. */
function guardOffOf({ id, guardOff }: ReleaseState, by: Actor): Decision | undefined {
  if (guardOff === null || by.kind !== "guard") return undefined;
  const until = new Date(guardOff.until).toISOString();
  return unchanged(`the guard is off until ${until}, by ${guardOff.by.kind} ${guardOff.by.name}: ${guardOff.reason}`, {
    release: id,
  });
}

/** Takes the guard's hands off a release for a while; another time while it is off takes the place of the first. */
export function decideGuardOff(state: NamespaceState, by: Actor, command: CommandOf<"guard-off">): Decision {
  return onActive(state, command.release, (release) => {
    const { forMs, reason } = command;
    if (!Number.isInteger(forMs) || forMs < guardOffMsMin || forMs > guardOffMsMax) {
      return reject("VALIDATION", `a guard is off for 1 second to 12 hours, not ${forMs} ms`, { guardOffMsMax });
    }
    return events(by, { type: "guard-off", release: release.id, forMs, reason });
  });
}

/** Lets the guard act again, before its time or when it is over. */
export function decideGuardOn(state: NamespaceState, by: Actor, command: CommandOf<"guard-on">): Decision {
  return onActive(state, command.release, (release) =>
    release.guardOff === null
      ? unchanged("the guard is on", { release: release.id })
      : events(by, { type: "guard-on", release: release.id, reason: command.reason }),
  );
}

/** Shows the candidate to everybody and begins the bake; in the bake it ends the bake. */
export function decidePromote(state: NamespaceState, by: Actor, command: CommandOf<"promote">): Decision {
  return onActive(state, command.release, (release) => {
    const stale = staleEpoch(release, command.epoch);
    if (stale !== undefined) return stale;
    return release.phase === "baking"
      ? events(by, { type: "release-completed", release: release.id })
      : events(by, promoted(release, "promoted by hand"));
  });
}

function promoted(release: ReleaseState, reason: string): Event {
  return { type: "release-promoted", release: release.id, reason, evidence: null };
}

/** Ends what runs or bakes; several within `revertRepeatMs` are one. */
export function decideRevert(state: NamespaceState, by: Actor, command: CommandOf<"revert">, nowMs: number): Decision {
  const { target } = command;
  if ("release" in target) {
    const release = own(state.releases, target.release);
    if (release === undefined) return reject("RELEASE_UNKNOWN", `there is no release ${target.release}`);
    if (isActive(release)) return revertOf(release, by, command);
    return alreadyReverted(release, nowMs) ?? nothingToRevert(state, release.dataset);
  }
  const dataset = own(state.datasets, target.dataset);
  if (dataset === undefined) return reject("DATASET_UNKNOWN", `there is no dataset ${target.dataset}`);
  const active = activeRelease(state, dataset.name);
  if (active !== undefined) return revertOf(active, by, command);
  // They stand in the order in which they started, and of a dataset one ends before the next starts; clocks may be set meanwhile.
  const last = Object.values(state.releases).findLast((release) => release.dataset === dataset.name);
  return (last === undefined ? undefined : alreadyReverted(last, nowMs)) ?? nothingToRevert(state, dataset.name);
}

function revertOf(release: ReleaseState, by: Actor, { cause, announced = false }: CommandOf<"revert">): Decision {
  const off = announced ? undefined : guardOffOf(release, by);
  return off ?? events(by, { type: "release-reverted", release: release.id, cause });
}

function alreadyReverted(release: ReleaseState, nowMs: number): Decision | undefined {
  const { ended } = release;
  if (release.phase !== "reverted" || ended === null || nowMs - ended.at > revertRepeatMs) return undefined;
  return unchanged(
    `v${release.candidatePublish} of ${release.dataset} was reverted already by ${ended.by.kind} ${ended.by.name}: ${ended.cause.reason}`,
    { release: release.id, number: release.stablePublish },
  );
}

function nothingToRevert(state: NamespaceState, name: string): Decision {
  const dataset = own(state.datasets, name);
  const stable = dataset?.stable ?? null;
  const since = dataset?.stableSince ?? null;
  const what =
    stable === null || since === null
      ? `${name} has no version yet`
      : `v${stable.number} is stable since ${new Date(since.at).toISOString()}, by ${since.by.kind} ${since.by.name}`;
  return reject("NOTHING_TO_REVERT", `nothing runs or bakes on ${name}: ${what}`, {
    stable: stable?.number ?? null,
    since: since?.at ?? null,
  });
}

function staleEpoch(release: ReleaseState, epoch: number | null): Decision | undefined {
  if (epoch === null || epoch === release.epoch) return undefined;
  const { stepBy, setAt, thousandths } = release;
  return reject(
    "CONFLICT",
    `the percentage changed meanwhile: ${stepBy.kind} ${stepBy.name} set ${percentText(thousandths)} at ${new Date(setAt).toISOString()}; look again`,
    { epoch: release.epoch, thousandths, by: stepBy, at: setAt },
  );
}

function onActive(state: NamespaceState, id: string, then: (release: ReleaseState) => Decision): Decision {
  const release = own(state.releases, id);
  if (release === undefined) return reject("RELEASE_UNKNOWN", `there is no release ${id}`);
  if (isActive(release)) return then(release);
  const { ended } = release;
  return reject(
    "RELEASE_ENDED",
    `the release of v${release.candidatePublish} of ${release.dataset} is ${release.phase}${ended === null ? "" : `, by ${ended.by.kind} ${ended.by.name}: ${ended.cause.reason}`}`,
    { release: id, phase: release.phase },
  );
}
