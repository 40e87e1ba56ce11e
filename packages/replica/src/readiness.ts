import { type Clock, own, SluiceError } from "@sluice/core";
import type { Snapshot } from "./replica.ts";

/** Who waits for the first data. */
export interface Readiness {
  /** Ends when nothing is missing. Throws NOT_READY, naming what is, after `deadlineMs`, and CLOSED. */
  wait(deadlineMs: number): Promise<void>;
  /** Looks again. */
  look(): void;
  close(): void;
}

/** `datasets` names what must have a stable version; null stands for every dataset that has one in the state. */
export function createReadiness(dependencies: {
  readonly clock: Clock;
  readonly datasets: readonly string[] | null;
  readonly snapshot: () => Snapshot;
  /** Whom to reach, and why that failed last. */
  readonly why: () => string;
}): Readiness {
  const { clock, datasets, snapshot, why } = dependencies;
  const waiters = new Set<(error: SluiceError | null) => void>();
  let closed = false;

  const isMissing = (): boolean => snapshot().log === null || missingOf(snapshot(), datasets).length > 0;
  const tell = (error: SluiceError | null): void => {
    for (const waiter of waiters) waiter(error);
    waiters.clear();
  };

  return {
    wait(deadlineMs) {
      return new Promise((resolve, reject) => {
        if (closed) return reject(closedError());
        if (!isMissing()) return resolve();
        const waiter = (error: SluiceError | null): void => {
          timer.cancel();
          if (error === null) resolve();
          else reject(error);
        };
        // A process that waits at its top level would end here if nothing kept it.
        const timer = clock.setTimer(
          deadlineMs,
          () => {
            waiters.delete(waiter);
            reject(notReady(snapshot(), datasets, deadlineMs, why()));
          },
          { keepAlive: true },
        );
        waiters.add(waiter);
      });
    },
    look() {
      if (waiters.size > 0 && !isMissing()) tell(null);
    },
    close() {
      closed = true;
      tell(closedError());
    },
  };
}

function missingOf({ state, datasets: held }: Snapshot, datasets: readonly string[] | null): readonly string[] {
  const published = Object.values(state.datasets).filter(({ stable }) => stable !== null);
  const wanted = datasets ?? published.map(({ name }) => name);
  return wanted.filter((dataset) => (held.get(dataset)?.stable ?? null) === null);
}

function notReady(
  snapshot: Snapshot,
  datasets: readonly string[] | null,
  deadlineMs: number,
  why: string,
): SluiceError {
  const { log, state } = snapshot;
  const missing = missingOf(snapshot, datasets);
  const reasons = missing.map((dataset) => `${dataset} (${reasonOf(state, dataset)})`);
  const what =
    log === null ? `no instance was reached at ${why}, and nothing was on disk` : `missing: ${reasons.join(", ")}`;
  return new SluiceError("NOT_READY", `not ready after ${deadlineMs / 1000} s: ${what}`, { details: { log, missing } });
}

function reasonOf(state: Snapshot["state"], dataset: string): string {
  const known = own(state.datasets, dataset);
  if (known === undefined) return "not created";
  return known.stable === null ? "nothing published" : "its content has not arrived";
}

function closedError(): SluiceError {
  return new SluiceError("CLOSED", "the replica was closed");
}
