import { type Clock, isActive, type NamespaceState, own, restoredName, sleep } from "@sluice/core";
import type { Mark, RefusedRelease } from "@sluice/core/api";
import type { HereBook } from "./here-book.ts";
import type { MarkBook } from "./mark-book.ts";
import type { Reporter } from "./reporter.ts";
import type { Snapshot } from "./replica.ts";

/** Says upward what has taken effect here, reverts only once they would survive a crash. */
export interface Confirmer {
  /** A snapshot has taken effect; `reverted` names the releases that new views do not see any more since then. */
  applied(snapshot: Snapshot, reverted: readonly string[]): void;
  /** This process does not take a release's candidate. */
  refused(refusal: RefusedRelease): void;
  /** What hosts have taken back for themselves has changed, and is in effect. */
  here(): void;
  /** Says everything again: whoever is followed now may not know it. */
  repeat(snapshot: Snapshot): void;
  close(): Promise<void>;
}

/** A disk that does not take a revert is tried again this often, in milliseconds; the revert is in effect meanwhile and not confirmed. */
export const syncRetryMs = 1_000;

/** Confirms under `id`. `onError` is told of reverts that the disk does not take. */
export function createConfirmer(dependencies: {
  readonly id: string;
  /** Datasets that are held here; null (the default) holds all. */
  readonly datasets?: readonly string[] | null;
  readonly marks: MarkBook;
  readonly hereBook: HereBook;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}): Confirmer {
  const { id, marks, hereBook, reporter, clock, onError } = dependencies;
  const closing = new AbortController();
  const refusals = new Map<string, RefusedRelease>();
  let log: string | null = null;
  let confirmed = { applied: 0, prepared: new Set<string>() };
  let waiting: { applied: number; reverted: Set<string>; prepared: Set<string> } | null = null;
  let running: Promise<void> | null = null;
  /** What has changed since is said by the next round. */
  let hereIsNew = false;
  let runningHere: Promise<void> | null = null;

  const add = (applied: number, reverted: readonly string[], prepared: readonly string[]): void => {
    waiting ??= { applied: 0, reverted: new Set(), prepared: new Set() };
    waiting.applied = Math.max(waiting.applied, applied);
    for (const release of reverted) waiting.reverted.add(release);
    for (const release of prepared) waiting.prepared.add(release);
    // What needs no disk is said at once; while a revert waits for the disk, all that comes after it waits too.
    if (running === null && waiting.reverted.size === 0) send();
    else running ??= syncAndSend();
  };

  const send = (): void => {
    if (waiting === null) return;
    const { applied, reverted, prepared } = waiting;
    waiting = null;
    reporter.confirm({ follower: id, applied, reverted: [...reverted], prepared: [...prepared] });
  };

  const syncAndSend = async (): Promise<void> => {
    for (let next = waiting; next !== null && !closing.signal.aborted; next = waiting) {
      const { reverted } = next;
      const known = reverted.size;
      if (!(await isSynced(marks))) await sleep(clock, syncRetryMs, { signal: closing.signal });
      // A revert that came during the write is not on disk yet.
      else if (waiting === next && reverted.size === known) send();
    }
    // In the same breath as the last look: what comes later starts anew.
    running = null;
  };

  const syncAndSayHere = async (): Promise<void> => {
    while (hereIsNew && !closing.signal.aborted) {
      hereIsNew = false;
      if (await isSynced(hereBook)) {
        reporter.confirm({ follower: id, applied: 0, reverted: [], prepared: [], here: hereBook.hosts() });
        continue;
      }
      hereIsNew = true;
      await sleep(clock, syncRetryMs, { signal: closing.signal });
    }
    runningHere = null;
  };

  const sayHere = (): void => {
    hereIsNew = true;
    runningHere ??= syncAndSayHere();
  };

  const isSynced = async (book: { sync(): Promise<void> }): Promise<boolean> => {
    try {
      await book.sync();
      return true;
    } catch (error) {
      onError(error);
      return false;
    }
  };

  const sayRefused = (refused: readonly RefusedRelease[]): void => {
    if (refused.length > 0) reporter.confirm({ follower: id, applied: 0, reverted: [], prepared: [], refused });
  };

  return {
    refused(refusal) {
      refusals.set(refusal.release, refusal);
      sayRefused([refusal]);
    },
    applied(snapshot, reverted) {
      const applied = snapshot.state.controlSequence;
      const prepared = preparedReleases(snapshot, dependencies.datasets ?? null);
      const isNew = prepared.filter((release) => !confirmed.prepared.has(release));
      if (applied === confirmed.applied && isNew.length === 0 && reverted.length === 0) return;
      confirmed = { applied, prepared: new Set(prepared) };
      add(applied, reverted, isNew);
    },
    here: sayHere,
    repeat(snapshot) {
      reporter.marks(marks.marks().filter(isTold));
      if (hereBook.hosts().length > 0) sayHere();
      // What waits for the disk since another log's time has that one's sequence number.
      if (snapshot.log !== log) waiting = null;
      log = snapshot.log;
      const prepared = preparedReleases(snapshot, dependencies.datasets ?? null);
      confirmed = { applied: snapshot.state.controlSequence, prepared: new Set(prepared) };
      add(confirmed.applied, revertedReleases(snapshot.state, marks.inForce(snapshot.state)), prepared);
      for (const release of refusals.keys()) {
        const known = own(snapshot.state.releases, release);
        if (known === undefined || !isActive(known)) refusals.delete(release);
      }
      sayRefused([...refusals.values()]);
    },
    async close() {
      closing.abort();
      await Promise.all([running, runningHere]);
    },
  };
}

/** Whether a mark says who took its release back: it is presented with that, which a question does not hold. */
export function isTold({ cause }: Mark): boolean {
  return cause !== undefined;
}

/**
 * Active releases whose candidate is here at its newest version, and older versions that came back and are here; all of those of a
 * dataset which nobody reads here.
 */
function preparedReleases({ state, datasets }: Snapshot, wanted: readonly string[] | null): readonly string[] {
  return Object.values(state.datasets).flatMap(({ name, release, candidate, stable }) => {
    const isWanted = wanted === null || wanted.includes(name);
    const here = datasets.get(name);
    const prepared: string[] = [];
    if (release !== null && candidate !== null) {
      if (!isWanted || here?.candidate?.number === candidate.number) prepared.push(release);
    }
    if (stable !== null && stable.restored !== null) {
      if (!isWanted || (here?.stable?.number ?? 0) >= stable.publish) prepared.push(restoredName(name, stable.publish));
    }
    return prepared;
  });
}

/** Releases that new views do not see, by mark or by log; what one host has taken back for itself is no revert. */
function revertedReleases(state: NamespaceState, marks: ReadonlySet<string>): readonly string[] {
  const ended = Object.values(state.releases).filter(({ phase }) => phase === "reverted");
  return [...new Set([...marks, ...ended.map(({ id }) => id)])];
}
