import { type Clock, isSluiceError, messageOf, type Timer } from "@sluice/core";
import type { Logger } from "pino";
import { createSeldom } from "./seldom.ts";
import type { EventLog } from "./store/port.ts";

/** A store that fails is asked this often whether it does still, in milliseconds: nobody else may have anything to write. */
const probeMs = 1_000;

/** A failure counts from this age on, in milliseconds: one that is over at once is no news to anybody. */
const faultMsMin = 1_000;

/** A write that the store has neither taken nor refused for so long is a fault, in milliseconds. */
const silentMsMin = 5_000;

/** A document of the size of what a command writes, for a full disk has room for a little. */
const probe = { name: "store-probe", json: JSON.stringify("x".repeat(16 * 1024)) };

/** Says whether a log takes what is written to it, by what became of that. */
export interface StoreFaults {
  /** The log; to be written to by everybody. */
  readonly log: EventLog;
  /** A sentence while it takes nothing, which is every dataset's fault; none where all is well. */
  faults(): readonly string[];
  close(): void;
}

/**
 * Watches a log. An append that fails is a fault until one goes or a probe does; of everything else that fails only the probe says
 * what it means, since it may have been too large alone.
 */
export function watchStore(dependencies: {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
}): StoreFaults {
  const { log, clock, logger } = dependencies;
  const seldom = createSeldom(clock);
  const pending = new Set<{ readonly sinceMs: number }>();
  let failing: { readonly sinceMs: number; readonly why: string } | null = null;
  let timer: Timer | undefined;
  let probing = false;
  let closed = false;

  function failed(error: unknown): void {
    const why = isSluiceError(error, "DISK_FULL") ? "no room is left on its disk" : messageOf(error);
    failing = { sinceMs: failing?.sinceMs ?? clock.now(), why };
    seldom("failed", (times) => logger.error({ err: error, times }, "the store does not take what is written to it"));
    arm();
  }

  function took(): void {
    timer?.cancel();
    timer = undefined;
    if (failing === null) return;
    const failedMs = clock.now() - failing.sinceMs;
    seldom("took", () => logger.info({ failedMs }, "the store takes what is written to it again"));
    failing = null;
  }

  function arm(): void {
    if (closed) return;
    timer ??= clock.setTimer(probeMs, () => {
      timer = undefined;
      void ask();
    });
  }

  async function ask(): Promise<void> {
    if (probing || closed) return;
    probing = true;
    await log.putDocument(probe.name, probe.json).then(took, failed);
    probing = false;
  }

  async function append(...given: Parameters<EventLog["append"]>): Promise<void> {
    const its = { sinceMs: clock.now() };
    pending.add(its);
    try {
      await log.append(...given);
      took();
    } catch (error) {
      // The store is well where another origin was first.
      if (!isSluiceError(error, "CONFLICT", "CLOSED")) failed(error);
      throw error;
    } finally {
      pending.delete(its);
    }
  }

  const suspecting =
    <Given extends readonly unknown[]>(write: (...given: Given) => Promise<void>) =>
    async (...given: Given): Promise<void> => {
      try {
        await write(...given);
      } catch (error) {
        if (isSluiceError(error, "DISK_FULL", "STORE_UNAVAILABLE")) void ask();
        throw error;
      }
    };

  return {
    log: {
      ...log,
      append,
      putDocument: suspecting((name, json) => log.putDocument(name, json)),
      putCheckpoint: suspecting((checkpoint) => log.putCheckpoint(checkpoint)),
    },
    faults() {
      const now = clock.now();
      if (failing !== null && now - failing.sinceMs >= faultMsMin) return [text(now - failing.sinceMs, failing.why)];
      const [oldest] = pending;
      const silentMs = oldest === undefined ? 0 : now - oldest.sinceMs;
      return silentMs >= silentMsMin ? [text(silentMs, "it does not answer")] : [];
    },
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}

function text(lastsMs: number, why: string): string {
  return `the store has taken nothing for ${Math.floor(lastsMs / 1_000)} s (${why}): no step is taken and nothing can be done but to revert`;
}
