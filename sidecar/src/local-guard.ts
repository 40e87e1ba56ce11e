import type { Clock, GuardConfig, GuardState, GuardVerdict, ReleaseState, StoredGuard, Timer } from "@sluice/core";
import {
  advanceGuard,
  createGuard,
  guardAction,
  heartbeatMs,
  ingest,
  isActive,
  isSluiceError,
  own,
  restoreGuard,
  serializeGuard,
  setGuardOff,
  stepGuard,
  tickGuard,
} from "@sluice/core";
import type { Mark, OutcomeBatch } from "@sluice/core/api";
import type { RecordFile, Snapshot } from "@sluice/replica";
import type { Logger } from "pino";
import { createGuardOffHere, type KeptGuardOff } from "./guard/guard-off-here.ts";
import { revertReason } from "./guard/reason.ts";
import { createNewestWrite } from "./newest-write.ts";

/** Without contact with the log's owner for longer, three heartbeats, a sidecar decides for itself, in milliseconds. */
export const cutOffMs: number = 3 * heartbeatMs;

/** The chance that any cut-off sidecar reverts a good release, over all of them, of which there are at most so many. */
const cutOffAlpha = 0.002;
const sidecarsMax = 1_000;

/** The clock of the guard's blocks, in milliseconds. */
const tickMs = 250;

/** How often the evidence is kept, in milliseconds: what comes after it is lost with the process. */
const keepMs = 1_000;

/** A guard of this sidecar's own, over the outcomes of those who follow it. */
export interface LocalGuard {
  /** Takes up what the disk has. To be called once, before outcomes are received. */
  start(): Promise<void>;
  /** The state has moved. */
  follow(snapshot: Snapshot): void;
  /** Counts a batch that was not counted before. */
  receive(batch: OutcomeBatch): void;
  close(): Promise<void>;
}

/** What it needs of its sidecar. */
export interface LocalGuardDependencies {
  /** What people know the sidecar by. */
  readonly host: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly snapshot: () => Snapshot;
  readonly contactAgeMs: () => number | null;
  /** Takes a release back: here at once, and for everybody once the origin hears of it. */
  readonly present: (mark: Mark) => void;
  /** Where the evidence outlives the process; null begins anew with each, and spends its share of the budget anew. */
  readonly file: RecordFile | null;
}

interface Stored {
  readonly log: string | null;
  readonly guards: readonly (readonly [release: string, guard: StoredGuard])[];
  /** Not there in files from before it was kept. */
  readonly guardOff?: readonly KeptGuardOff[];
}

/**
 * Watches every active release, and acts only while it is cut off: with contact the origin, which sees the outcomes of all, does. What
 * it does is a revert that runs ahead like any other, with its evidence, and never one of a release whose guard a person has turned off.
 */
export function createLocalGuard(dependencies: LocalGuardDependencies): LocalGuard {
  const { host, clock, logger, snapshot, contactAgeMs, present, file } = dependencies;
  const watched = new Map<string, GuardState>();
  const off = createGuardOffHere(clock, contactAgeMs);
  const startedMs = clock.now();
  let restored: ReadonlyMap<string, StoredGuard> = new Map();
  let timer: Timer | undefined;
  let keptAtMs = clock.now();
  let changed = false;
  const kept = createNewestWrite(
    async () => file?.write(JSON.stringify(stored())),
    (error) => {
      changed = true;
      logger.warn({ err: error }, "this sidecar's evidence could not be kept; a restart would begin anew");
    },
  );
  let closed = false;

  const silenceMs = (): number => contactAgeMs() ?? clock.now() - startedMs;

  function watch({ id, plan, epoch, thousandths }: ReleaseState): GuardState {
    const known = watched.get(id);
    if (known !== undefined) return known;
    const its = restore(id) ?? createGuard(localConfig(plan.guard), { epoch, thousandths });
    watched.set(id, its);
    changed = true;
    return its;
  }

  function restore(id: string): GuardState | undefined {
    const stored = restored.get(id);
    if (stored === undefined) return undefined;
    try {
      return restoreGuard(stored);
    } catch (error) {
      logger.warn({ err: error, release: id }, "this sidecar's evidence does not fit and begins anew");
      return undefined;
    }
  }

  function follow({ state }: Snapshot): void {
    for (const release of Object.values(state.releases)) {
      const { id, epoch, thousandths } = release;
      if (!isActive(release)) {
        changed = watched.delete(id) || changed;
        continue;
      }
      const its = watch(release);
      // A plan's end of it comes by the log, which does not come to whoever is cut off.
      setGuardOff(its, off.isOff(release));
      // The position that a start finds on disk may be from before the evidence beside it.
      if (epoch > (its.epochs.at(-1)?.epoch ?? 0)) stepGuard(its, { epoch, thousandths }, clock.wall());
    }
    for (const id of watched.keys()) if (own(state.releases, id) === undefined) watched.delete(id);
    off.retain(watched);
    arm();
  }

  function look(): void {
    const now = snapshot();
    follow(now);
    for (const [id, state] of watched) {
      advanceGuard(state, clock.now(), clock.wall());
      if (guardAction(state) !== "revert" || silenceMs() <= cutOffMs || now.marks.has(id)) continue;
      act(id, tickGuard(state, clock.now(), clock.wall()));
    }
    if (clock.now() - keptAtMs >= keepMs) keep();
  }

  function act(release: string, { rule, evidence }: GuardVerdict): void {
    const name = rule ?? "comparative";
    const reason = reasonOf(host, silenceMs(), name, evidence);
    logger.warn({ release, rule: name, reason }, "cut off from the origin, this sidecar reverts on its own evidence");
    const by = { kind: "guard", name: `${name} on ${host}`.slice(0, 200) } as const;
    present({ release, at: clock.wall(), by, cause: { reason, evidence } });
  }

  function arm(): void {
    if (closed || timer !== undefined || watched.size === 0) return;
    timer = clock.setTimer(tickMs, () => {
      timer = undefined;
      look();
      arm();
    });
  }

  function keep(): void {
    keptAtMs = clock.now();
    if (file === null || !(changed || off.hasChanged())) return;
    changed = false;
    kept.changed();
  }

  function stored(): Stored {
    const guards = [...watched].map(([release, state]) => [release, serializeGuard(state)] as const);
    return { log: snapshot().log, guards, guardOff: off.kept() };
  }

  return {
    async start() {
      try {
        const json = (await file?.read()) ?? null;
        const before = json === null ? null : (JSON.parse(json) as Stored);
        // Releases of another log mean nothing here.
        if (before !== null && before.log === snapshot().log) {
          restored = new Map(before.guards);
          off.restore(before.guardOff ?? []);
        }
      } catch (error) {
        logger.warn({ err: error }, "this sidecar's evidence could not be read; it begins anew");
      }
      follow(snapshot());
    },
    follow,
    receive(batch) {
      for (const report of batch.reports) {
        const its = watched.get(report.release);
        if (its === undefined) continue;
        changed = true;
        try {
          ingest(its, report, clock.wall());
        } catch (error) {
          // A step that this sidecar never saw: whoever reports it was at another instance then.
          if (!isSluiceError(error, "VALIDATION")) throw error;
        }
      }
    },
    async close() {
      closed = true;
      timer?.cancel();
      keep();
      await kept.idle();
    },
  };
}

/**
 * The plan's guard with this sidecar's share of the budget, half of it for the comparison and half for the absolute rules. A rule that
 * only looks at its window has no bound on what it reverts wrongly, so that it has to have evidence here.
 */
export function localConfig(config: GuardConfig): GuardConfig {
  const alpha = cutOffAlpha / sidecarsMax / 2;
  return {
    ...config,
    alpha,
    absolute: config.absolute.map((rule) => ({
      ...rule,
      mode: rule.mode === "literal" ? "evidence" : rule.mode,
      alpha: alpha / config.absolute.length,
    })),
  };
}

function reasonOf(host: string, silenceMs: number, ...why: Parameters<typeof revertReason>): string {
  return `${host}, cut off from the origin for ${Math.round(silenceMs / 1_000)} s, saw this alone: ${revertReason(...why)}`;
}
