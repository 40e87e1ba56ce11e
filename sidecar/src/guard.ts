import type {
  Cause,
  Clock,
  GuardEvidence,
  GuardState,
  LoggedEvent,
  ReleaseState,
  StoredGuard,
  StoredSequenceLog,
  Timer,
} from "@sluice/core";
import {
  acceptSequence,
  createGuard,
  createSequenceLog,
  ingest,
  isActive,
  isSluiceError,
  own,
  percentText,
  restoreGuard,
  restoreSequenceLog,
  serializeGuard,
  serializeSequenceLog,
  stepGuard,
  tickGuard,
} from "@sluice/core";
import type { OutcomeBatch, ReleaseReport } from "@sluice/core/api";
import type { Logger } from "pino";
import type { Commands } from "./commands.ts";
import type { EventLog } from "./store/port.ts";

/** The clock of the guard's blocks, in milliseconds. */
const tickMs = 250;

/** How often a guard's evidence is kept, in milliseconds: what comes after it is lost with the process. */
const keepMs = 1_000;

/** What `status` shows of a guard. */
export interface GuardStatus {
  readonly evidence: GuardEvidence;
  /** Views really served in the percentage step in force. */
  readonly served: { readonly candidate: number; readonly stable: number };
}

/** Outcomes in, commands out. One guard a running or baking release. */
export interface Guards {
  /** Takes up what the log and the documents say is active. To be called once, before outcomes are received. */
  start(): Promise<void>;
  /** Counts a batch, once, and acts at once where it tips a guard. */
  receive(batch: OutcomeBatch): void;
  status(release: string): GuardStatus | undefined;
  /** Keeps the evidence and stops. */
  close(): Promise<void>;
}

interface Watched {
  readonly release: string;
  readonly state: GuardState;
  readonly served: Map<number, { candidate: number; stable: number }>;
  epoch: number;
  /** A command of this guard is on its way. */
  acting: boolean;
  /** A person let go on what this guard held; the same evidence is no reason to hold it again. */
  overruled: boolean;
}

/** The document beside the log that holds them. */
const documentName = "guards";

interface StoredGuards {
  readonly sequences: StoredSequenceLog;
  readonly guards: readonly (readonly [release: string, guard: StoredGuard])[];
  /** Releases whose guard was overruled. */
  readonly overruled: readonly string[];
}

/** A guard as it was kept. */
interface Kept {
  readonly state: GuardState;
  readonly overruled: boolean;
}

/** Makes the guards of an origin. */
export function createGuards(dependencies: {
  commands: Commands;
  documents: Pick<EventLog, "getDocument" | "putDocument" | "deleteDocument">;
  clock: Clock;
  logger: Logger;
}): Guards {
  const { commands, documents, clock, logger } = dependencies;
  const watched = new Map<string, Watched>();
  let sequences = createSequenceLog();
  let changed = false;
  let timer: Timer | undefined;
  let keptAt = clock.now();
  let keeping: Promise<void> = Promise.resolve();
  let closed = false;

  function watch(release: ReleaseState, kept?: Kept): void {
    const { id, epoch, thousandths, plan } = release;
    const state = kept?.state ?? createGuard(plan.guard, { epoch, thousandths });
    stepGuard(state, { epoch, thousandths });
    watched.set(id, {
      release: id,
      state,
      served: new Map(),
      epoch,
      acting: false,
      overruled: kept?.overruled ?? false,
    });
    arm();
  }

  function follow(events: readonly LoggedEvent[]): void {
    const state = commands.state();
    for (const { event, by } of events) {
      if (!("release" in event) || event.release === null) continue;
      const release = own(state.releases, event.release);
      const known = watched.get(event.release);
      if (known !== undefined && event.type === "release-resumed" && by.kind !== "guard") overrule(known);
      if (release !== undefined && isActive(release)) {
        if (known === undefined) watch(release);
        else if (known.epoch !== release.epoch) step(known, release);
      } else if (known !== undefined) {
        forget(known);
      }
    }
  }

  function step(known: Watched, { epoch, thousandths }: ReleaseState): void {
    known.epoch = epoch;
    stepGuard(known.state, { epoch, thousandths });
  }

  function overrule(known: Watched): void {
    known.overruled = true;
    changed = true;
  }

  function forget({ release }: Watched): void {
    watched.delete(release);
    changed = true;
  }

  function count(report: ReleaseReport): void {
    const guard = watched.get(report.release);
    // Reports of a release that ended meanwhile are normal: views outlive it by a moment.
    if (guard === undefined) return;
    const { epoch, candidate, control, served } = report;
    ingest(guard.state, { epoch, candidate, control });
    const sum = guard.served.get(epoch) ?? { candidate: 0, stable: 0 };
    guard.served.set(epoch, { candidate: sum.candidate + served.candidate, stable: sum.stable + served.stable });
    look(guard);
  }

  const isMarked = (release: string): boolean => commands.marks().some((mark) => mark.release === release);

  function look(guard: Watched): void {
    if (guard.acting) return;
    const release = own(commands.state().releases, guard.release);
    // What is marked is reverted already, and the log takes it when it can.
    if (release === undefined || !isActive(release) || isMarked(guard.release)) return;
    const verdict = tickGuard(guard.state, clock.now());
    if (verdict.action === "revert" && verdict.rule !== null) {
      const cause = { reason: revertReason(verdict.rule, verdict.evidence), evidence: verdict.evidence };
      act(guard, verdict.rule, { type: "revert", target: { release: guard.release }, cause });
    } else if (verdict.action === "hold") {
      if (release.phase !== "running" || release.hold !== null || guard.overruled) return;
      const reason = `the candidate looks worse, not surely enough to revert: evidence ${verdict.evidence.comparativeEvidence.toPrecision(3)}`;
      act(guard, verdict.rule ?? "comparative", {
        type: "hold",
        release: guard.release,
        cause: { reason, evidence: verdict.evidence },
      });
    } else {
      guard.overruled = false;
      if (release.hold?.by.kind !== "guard") return;
      act(guard, "comparative", {
        type: "resume",
        release: guard.release,
        reason: "the evidence against the candidate faded",
      });
    }
  }

  function act(
    guard: Watched,
    rule: string,
    command:
      | { type: "revert"; target: { release: string }; cause: Cause }
      | { type: "hold"; release: string; cause: Cause }
      | { type: "resume"; release: string; reason: string },
  ): void {
    guard.acting = true;
    commands
      .execute({ by: { kind: "guard", name: rule }, command })
      .then(() => logger.warn({ release: guard.release, rule, action: command.type }, "the guard acted"))
      .catch((error: unknown) => {
        if (isSluiceError(error, "RELEASE_ENDED", "CLOSED")) return;
        logger.error({ err: error, release: guard.release, action: command.type }, "the guard could not act");
      })
      .finally(() => {
        guard.acting = false;
      });
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
    const guards = [...watched.values()].map(({ release, state }) => [release, serializeGuard(state)] as const);
    // One record: a batch that is in the sequences is in the evidence, and the other way round.
    const overruled = [...watched.values()].filter((guard) => guard.overruled).map(({ release }) => release);
    const kept: StoredGuards = { sequences: serializeSequenceLog(sequences), guards, overruled };
    const json = JSON.stringify(kept);
    keeping = keeping
      .then(() => documents.putDocument(documentName, json))
      .catch((error: unknown) =>
        logger.warn({ err: error }, "the guards' evidence could not be kept; a restart would begin anew"),
      );
  }

  /** What was kept. Where it cannot be read that is said, and costs only evidence. */
  async function restore(): Promise<ReadonlyMap<string, Kept>> {
    try {
      const json = await documents.getDocument(documentName);
      if (json === undefined) return new Map();
      const stored = JSON.parse(json) as StoredGuards;
      sequences = restoreSequenceLog(stored.sequences);
      const overruled = new Set(stored.overruled);
      return new Map(
        stored.guards.map(([id, guard]) => [id, { state: restoreGuard(guard), overruled: overruled.has(id) }]),
      );
    } catch (error) {
      logger.warn({ err: error }, "the guards' evidence could not be read; they begin anew");
      return new Map();
    }
  }

  const unsubscribe = commands.subscribe({ events: follow });

  return {
    async start() {
      const restored = await restore();
      for (const release of Object.values(commands.state().releases)) {
        if (isActive(release)) watch(release, restored.get(release.id));
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
        evidence: tickGuard(guard.state, clock.now()).evidence,
        served: guard.served.get(guard.epoch) ?? { candidate: 0, stable: 0 },
      };
    },
    async close() {
      closed = true;
      timer?.cancel();
      unsubscribe();
      keep();
      await keeping;
    },
  };
}

function revertReason(rule: "comparative" | "absolute", evidence: GuardEvidence): string {
  const { candidateFailures, candidateRequests, controlFailures, controlRequests, thousandths } = evidence;
  const counts = `${candidateFailures} of ${candidateRequests} requests failed in the candidate, ${controlFailures} of ${controlRequests} in the control, at ${percentText(thousandths)}`;
  return rule === "comparative" ? counts : `${counts}; over an absolute limit`;
}
