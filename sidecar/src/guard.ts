import type {
  Cause,
  Clock,
  GuardEvidence,
  GuardState,
  GuardVerdict,
  HoldWant,
  LoggedEvent,
  NamespaceState,
  Proven,
  ReleaseState,
  Timer,
} from "@sluice/core";
import {
  acceptSequence,
  advanceGuard,
  configAfterLosses,
  createGuard,
  createSequenceLog,
  guardAction,
  hasFaded,
  historyOf,
  ingest,
  isActive,
  isPromotionOpen,
  isSluiceError,
  isSuspicious,
  own,
  setGuardOff,
  stepGuard,
  tickGuard,
} from "@sluice/core";
import type { EvidenceAnswer, OutcomeBatch, ReleaseReport } from "@sluice/core/api";
import type { Logger } from "pino";
import type { Commands } from "./commands.ts";
import { createEndedEvidence } from "./guard/ended-evidence.ts";
import { createKeptGuards, type KeptGuard } from "./guard/kept-guards.ts";
import { revertReason } from "./guard/reason.ts";
import { createSeldom } from "./seldom.ts";
import type { EventLog } from "./store/port.ts";

/** The clock of the guard's blocks, in milliseconds. */
const tickMs = 250;

/** How often a guard's evidence is kept, in milliseconds: what comes after it is lost with the process. */
const keepMs = 1_000;

/** Evidence that has been below the line that holds for so long has faded, however near it is, in milliseconds. */
const calmMs = 60_000;

/** The rule whose holds end by themselves when its evidence fades. */
const comparative = "comparative";

/** What `status` shows of a guard. */
export interface GuardStatus {
  readonly evidence: GuardEvidence;
  /** Views really served in the percentage step in force. */
  readonly served: { readonly candidate: number; readonly stable: number };
  /** What comes of its suspicion where it does not hold, to be said behind it: who is in the way. Empty where nobody is. */
  readonly standing: string;
}

/** Outcomes in, commands out. One guard a running or baking release. */
export interface Guards {
  /** Takes up what the log and the documents say is active. To be called once, before outcomes are received. */
  start(): Promise<void>;
  /** Counts a batch, once, and acts at once where it tips a guard. */
  receive(batch: OutcomeBatch): void;
  status(release: string): GuardStatus | undefined;
  /** What was seen of an active release, or of one of the last 50 that ended; undefined where nothing is known of it. */
  evidence(release: string): Promise<EvidenceAnswer | undefined>;
  /** Running releases whose promotion test is open, with the percentage step that this holds for. */
  proven(): Readonly<Record<string, Proven>>;
  /** Keeps the evidence and stops. */
  close(): Promise<void>;
}

interface Watched {
  readonly release: string;
  readonly state: GuardState;
  readonly served: Map<number, { candidate: number; stable: number }>;
  epoch: number;
  /** Commands of this guard that are on their way; of each kind one. */
  readonly acting: Set<GuardCommand["type"]>;
  /** Since when, by the monotonic clock, its evidence is below the line that holds; undefined: it is not. */
  calmSince: number | undefined;
  /** Since when, by the wall clock, it is above that line; undefined: it is not. */
  suspiciousSince: number | undefined;
  /** A person let go on what this guard held; the same evidence is no reason to hold it again. */
  overruled: boolean;
}

type GuardCommand =
  | { readonly type: "revert"; readonly target: { readonly release: string }; readonly cause: Cause }
  | { readonly type: "hold"; readonly release: string; readonly cause: Cause }
  | { readonly type: "resume"; readonly release: string; readonly reason: string };

/** Makes the guards of an origin. */
export function createGuards(dependencies: {
  commands: Commands;
  documents: Pick<EventLog, "getDocument" | "putDocument" | "deleteDocument">;
  clock: Clock;
  logger: Logger;
}): Guards {
  const { commands, documents, clock, logger } = dependencies;
  const watched = new Map<string, Watched>();
  const ended = createEndedEvidence({ documents, logger });
  const kept = createKeptGuards({ documents, logger });
  const seldom = createSeldom(clock);
  let sequences = createSequenceLog();
  let changed = false;
  let timer: Timer | undefined;
  let keptAt = clock.now();
  let closed = false;

  function watch(release: ReleaseState, { state, overruled }: KeptGuard): void {
    const { id, epoch, thousandths } = release;
    stepGuard(state, { epoch, thousandths }, clock.wall());
    setGuardOff(state, commands.isGuardOff(id));
    const since = { calmSince: undefined, suspiciousSince: undefined };
    const fresh = { served: new Map(), acting: new Set<GuardCommand["type"]>(), ...since };
    watched.set(id, { ...fresh, release: id, state, epoch, overruled });
    // A release whose guard nobody finds beside the log is one whose evidence was lost.
    changed = true;
    arm();
  }

  function begin(release: ReleaseState, losses: number): void {
    const { epoch, thousandths, plan } = release;
    const state = createGuard(configAfterLosses(plan.guard, losses), { epoch, thousandths });
    watch(release, { state, overruled: false });
  }

  function follow(events: readonly LoggedEvent[], before: NamespaceState): void {
    const state = commands.state();
    for (const { event, by } of events) {
      if (!("release" in event) || event.release === null) continue;
      const release = own(state.releases, event.release);
      const known = watched.get(event.release);
      const isPassed = event.type === "release-resumed" || event.type === "release-promoted";
      // Who ends somebody else's hold has not said a word on the evidence.
      if (known !== undefined && isPassed && by.kind === "person" && isHeld(own(before.releases, event.release)))
        overrule(known);
      if (release !== undefined && isActive(release)) {
        if (known === undefined) begin(release, 0);
        else if (known.epoch !== release.epoch) step(known, release);
        if (known !== undefined) setGuardOff(known.state, commands.isGuardOff(release.id));
      } else if (known !== undefined) {
        forget(known);
      }
    }
  }

  function step(known: Watched, { epoch, thousandths }: ReleaseState): void {
    known.epoch = epoch;
    stepGuard(known.state, { epoch, thousandths }, clock.wall());
  }

  function overrule(known: Watched): void {
    known.overruled = true;
    changed = true;
    // The log has the person's word already: a kill in the next second must not have the hold back.
    keep();
  }

  function forget(guard: Watched): void {
    watched.delete(guard.release);
    ended.keep(answerOf(guard));
    changed = true;
  }

  function count(report: ReleaseReport): void {
    const guard = watched.get(report.release);
    // Reports of a release that ended meanwhile are normal: views outlive it by a moment.
    if (guard === undefined) return;
    const { epoch, served } = report;
    ingest(guard.state, report, clock.wall());
    const sum = guard.served.get(epoch) ?? { candidate: 0, stable: 0 };
    guard.served.set(epoch, { candidate: sum.candidate + served.candidate, stable: sum.stable + served.stable });
    look(guard);
  }

  const tick = ({ state }: Pick<Watched, "state">): GuardVerdict => tickGuard(state, clock.now(), clock.wall());

  const answerOf = (guard: Pick<Watched, "release" | "state">): EvidenceAnswer => {
    const { evidence } = tick(guard);
    return { release: guard.release, evidence, history: historyOf(guard.state) };
  };

  const isMarked = (release: string): boolean => commands.marks().some((mark) => mark.release === release);

  function look(guard: Watched): void {
    if (guard.acting.has("revert")) return;
    const release = own(commands.state().releases, guard.release);
    // What is marked is reverted already, and the log takes it when it can.
    if (release === undefined || !isActive(release) || isMarked(guard.release)) return;
    const isOff = commands.isGuardOff(guard.release);
    setGuardOff(guard.state, isOff);
    advanceGuard(guard.state, clock.now(), clock.wall());
    const isCalm = becalm(guard);
    if (isOff) return;
    const action = guardAction(guard.state);
    if (action === "revert") decide(guard, release, tick(guard));
    // The log may be slow to take a hold, or not know yet that the guard is on again: a revert waits for neither.
    else if (guard.acting.size > 0 || release.guardOff !== null) return;
    else if (action === "hold") decide(guard, release, tick(guard));
    else if (isCalm) resume(guard, release);
  }

  /** Whether the evidence has faded; what comes after that is new, whoever was overruled before. */
  function becalm(guard: Watched): boolean {
    const now = clock.now();
    const isSuspect = isSuspicious(guard.state);
    guard.calmSince = isSuspect ? undefined : (guard.calmSince ?? now);
    guard.suspiciousSince = isSuspect ? (guard.suspiciousSince ?? clock.wall()) : undefined;
    const isCalm = hasFaded(guard.state) || (guard.calmSince !== undefined && now - guard.calmSince >= calmMs);
    if (isCalm && guard.overruled) {
      guard.overruled = false;
      changed = true;
    }
    return isCalm;
  }

  function decide(guard: Watched, release: ReleaseState, verdict: GuardVerdict): void {
    if (verdict.action === "revert" && verdict.rule !== null) {
      const cause = { reason: revertReason(verdict.rule, verdict.evidence), evidence: verdict.evidence };
      act(guard, verdict.rule, { type: "revert", target: { release: guard.release }, cause });
    } else if (verdict.action === "hold") {
      const { phase, hold } = release;
      // The plan waits for evidence and gets some: it is the guard's to say when this hold is over.
      if (phase !== "running" || (hold !== null && hold.by.kind !== "plan") || guard.overruled) return;
      act(guard, comparative, { type: "hold", release: guard.release, cause: suspicionOf(verdict) });
    }
  }

  /** What it would hold for, were nobody else's hold in the way. */
  function wantsHeld({ id, phase }: ReleaseState): readonly HoldWant[] {
    const guard = watched.get(id);
    if (guard === undefined || guard.overruled || phase !== "running" || guardAction(guard.state) !== "hold") return [];
    const by = { kind: "guard", name: comparative } as const;
    return [{ by, cause: suspicionOf(tick(guard)), since: guard.suspiciousSince ?? clock.wall() }];
  }

  function standingOf(guard: Watched): string {
    const release = own(commands.state().releases, guard.release);
    if (release?.phase !== "running" || guardAction(guard.state) !== "hold") return "";
    if (guard.overruled) return "; a person let it go on all the same";
    if (release.hold === null || isHeld(release)) return "";
    return "; it is held for that when the hold in force has ended";
  }

  function resume(guard: Watched, { id, hold }: ReleaseState): void {
    // A hold of another rule of the guard's does not end with this one's evidence.
    if (!isHeld({ hold })) return;
    act(guard, comparative, { type: "resume", release: id, reason: "the evidence against the candidate faded" });
  }

  function act(guard: Watched, rule: string, command: GuardCommand): void {
    guard.acting.add(command.type);
    commands
      .execute({ by: { kind: "guard", name: rule }, command })
      .then(() => logger.warn({ release: guard.release, rule, action: command.type }, "the guard acted"))
      .catch((error: unknown) => {
        if (isSluiceError(error, "RELEASE_ENDED", "CLOSED")) return;
        seldom(command.type, (times) =>
          logger.error({ err: error, times, release: guard.release, action: command.type }, "the guard could not act"),
        );
      })
      .finally(() => guard.acting.delete(command.type));
  }

  function arm(): void {
    if (closed || timer !== undefined || watched.size === 0) return;
    timer = clock.setTimer(tickMs, () => {
      timer = undefined;
      for (const guard of watched.values()) look(guard);
      if (clock.now() - keptAt >= keepMs) keep();
      arm();
    });
  }

  function keep(): void {
    keptAt = clock.now();
    if (!changed) return;
    changed = false;
    kept.keep({ sequences, guards: watched });
  }

  const unsubscribe = commands.subscribe({ events: follow, wantsHeld });

  return {
    async start() {
      await ended.start();
      const restored = await kept.restore();
      sequences = restored.sequences;
      const active = Object.values(commands.state().releases).filter(isActive);
      const ids = active.map(({ id }) => id);
      for (const release of active) {
        const guard = restored.guards.get(release.id);
        if (guard === undefined) begin(release, await kept.lost(release.id, ids));
        else watch(release, guard);
      }
      for (const [release, { state }] of restored.guards) {
        // It ended, and the process with it before what was seen could be put away.
        const isOver = !ids.includes(release) && own(commands.state().releases, release) !== undefined;
        if (isOver && (await ended.get(release)) === undefined) ended.keep(answerOf({ release, state }));
      }
    },
    receive(batch) {
      if (!acceptSequence(sequences, batch.reporter, batch.sequence)) return;
      changed = true;
      for (const report of batch.reports) {
        try {
          count(report);
        } catch (error) {
          // One bad report must not lose its neighbours, which the reporter will not send again.
          logger.warn({ err: error, reporter: batch.reporter, release: report.release }, "a report was refused");
        }
      }
    },
    status(release) {
      const guard = watched.get(release);
      if (guard === undefined) return undefined;
      return {
        evidence: tick(guard).evidence,
        served: guard.served.get(guard.epoch) ?? { candidate: 0, stable: 0 },
        standing: standingOf(guard),
      };
    },
    async evidence(release) {
      const guard = watched.get(release);
      return guard === undefined ? ended.get(release) : answerOf(guard);
    },
    proven() {
      const list: [string, Proven][] = [];
      for (const guard of watched.values()) {
        advanceGuard(guard.state, clock.now(), clock.wall());
        if (!isPromotionOpen(guard.state)) continue;
        list.push([guard.release, { epoch: guard.epoch, evidence: tick(guard).evidence }]);
      }
      return Object.fromEntries(list);
    },
    async close() {
      closed = true;
      timer?.cancel();
      unsubscribe();
      keep();
      await Promise.all([kept.close(), ended.close()]);
    },
  };
}

/** Whether it is the comparison that holds. */
function isHeld(release: Pick<ReleaseState, "hold"> | undefined): boolean {
  const by = release?.hold?.by;
  return by?.kind === "guard" && by.name === comparative;
}

function suspicionOf({ evidence }: GuardVerdict): Cause {
  const strength = evidence.comparativeEvidence.toPrecision(3);
  return { reason: `the candidate looks worse, not surely enough to revert: evidence ${strength}`, evidence };
}
