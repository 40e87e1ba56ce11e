import type { GuardState, SequenceLog, StoredGuard, StoredSequenceLog } from "@sluice/core";
import {
  createSequenceLog,
  restoreGuard,
  restoreSequenceLog,
  serializeGuard,
  serializeSequenceLog,
} from "@sluice/core";
import type { Logger } from "pino";
import { createNewestWrite } from "../newest-write.ts";
import type { EventLog } from "../store/port.ts";

/** The document beside the log that holds the guards. */
const documentName = "guards";

/** And the one that counts how often the guard of a release has lost its evidence. */
const lossesName = "guard-losses";

/** A guard as it was kept. */
export interface KeptGuard {
  readonly state: GuardState;
  /** A person let go on what it held. */
  readonly overruled: boolean;
}

/** What is kept in one record, so that a batch that is in the sequences is in the evidence, and the other way round. */
export interface GuardRecord {
  readonly sequences: SequenceLog;
  readonly guards: ReadonlyMap<string, KeptGuard>;
}

interface StoredGuards {
  readonly sequences: StoredSequenceLog;
  readonly guards: readonly (readonly [release: string, guard: StoredGuard])[];
  /** Releases whose guard was overruled. */
  readonly overruled: readonly string[];
}

/** Guards beside the log. */
export interface KeptGuards {
  /** What was kept. What cannot be used is said and left out. Throws STORE_UNAVAILABLE where the store cannot say. */
  restore(): Promise<GuardRecord>;
  /** Keeps a record as it stands when its turn to be written comes. */
  keep(record: GuardRecord): void;
  /**
   * Counts that the guard of an active release begins without the evidence that it had, and gives how often that has happened. Each
   * beginning may err once more, so each gets a smaller share of what was promised. Throws STORE_UNAVAILABLE where the store cannot say.
   */
  lost(release: string, active: readonly string[]): Promise<number>;
  /** Ends when what was given is kept, or could not be. */
  close(): Promise<void>;
}

/** Guards beside the log of an origin. What the store does not take costs evidence at the next start, and is said. */
export function createKeptGuards(dependencies: {
  documents: Pick<EventLog, "getDocument" | "putDocument">;
  logger: Logger;
}): KeptGuards {
  const { documents, logger } = dependencies;
  let newest: GuardRecord = nothing();
  const kept = createNewestWrite(
    () => documents.putDocument(documentName, JSON.stringify(store(newest))),
    (error) => logger.warn({ err: error }, "the guards' evidence could not be kept; a restart would begin anew"),
  );

  async function readLosses(): Promise<Readonly<Record<string, number>>> {
    const json = (await documents.getDocument(lossesName)) ?? "{}";
    try {
      return JSON.parse(json) as Record<string, number>;
    } catch (error) {
      logger.warn(
        { err: error },
        "how often guards have lost their evidence could not be read; this is counted as once",
      );
      return {};
    }
  }

  return {
    async restore() {
      // A store that cannot be read now has the evidence all the same: to begin anew would spend another chance of error and write over it.
      const json = await documents.getDocument(documentName);
      if (json === undefined) return nothing();
      try {
        const stored = JSON.parse(json) as StoredGuards;
        const overruled = new Set(stored.overruled);
        const guards = new Map<string, KeptGuard>();
        for (const [id, guard] of stored.guards) {
          const state = restoreOne(id, guard, logger);
          if (state !== undefined) guards.set(id, { state, overruled: overruled.has(id) });
        }
        return { sequences: restoreSequenceLog(stored.sequences), guards };
      } catch (error) {
        logger.warn({ err: error }, "the guards' evidence could not be read; they begin anew");
        return nothing();
      }
    },
    keep(record) {
      newest = record;
      kept.changed();
    },
    async lost(release, active) {
      const before = await readLosses();
      const losses = (before[release] ?? 0) + 1;
      // Those of releases that have ended are of no use any more.
      const kept = Object.entries(before).filter(([id]) => active.includes(id));
      try {
        await documents.putDocument(lossesName, JSON.stringify({ ...Object.fromEntries(kept), [release]: losses }));
      } catch (error) {
        logger.warn(
          { err: error, release },
          "that a guard lost its evidence could not be kept; the next loss counts as one",
        );
      }
      return losses;
    },
    close: () => kept.idle(),
  };
}

function store({ sequences, guards }: GuardRecord): StoredGuards {
  const list = [...guards];
  return {
    sequences: serializeSequenceLog(sequences),
    guards: list.map(([id, { state }]) => [id, serializeGuard(state)] as const),
    overruled: list.filter(([, { overruled }]) => overruled).map(([id]) => id),
  };
}

function nothing(): GuardRecord {
  return { sequences: createSequenceLog(), guards: new Map() };
}

function restoreOne(release: string, stored: StoredGuard, logger: Logger): GuardState | undefined {
  try {
    return restoreGuard(stored);
  } catch (error) {
    logger.warn({ err: error, release }, "the evidence of a guard could not be read; it begins anew");
    return undefined;
  }
}
