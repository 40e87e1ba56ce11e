import type { Executed, Remember } from "../commands.ts";
import { fingerprintOf, refuseOther } from "../idempotency.ts";
import type { EventLog } from "../store/port.ts";

/** Makes a command that comes again with its idempotency key happen once. */
export interface Once {
  /**
   * Runs, or gives the answer of the run before with the same key, in flight or within the last 24 hours.
   * `what` tells commands apart; without a key everything runs. Throws IDEMPOTENCY_MISMATCH where the key came with
   * another command.
   */
  run<Answer>(
    key: string | undefined,
    what: string,
    run: (remember: Remember | undefined) => Promise<Answer>,
    answerOf: (executed: Executed) => Answer,
  ): Promise<Answer>;
}

/** Over the answers that the log keeps with the events that they belong to. */
export function createOnce(log: Pick<EventLog, "remembered">): Once {
  const inFlight = new Map<string, { readonly fingerprint: string; readonly answer: Promise<unknown> }>();

  return {
    async run(key, what, run, answerOf) {
      if (key === undefined || key === "") return run(undefined);
      const fingerprint = fingerprintOf(key, what);
      const flying = inFlight.get(key);
      if (flying !== undefined) {
        refuseOther(key, flying.fingerprint, fingerprint);
        return flying.answer as ReturnType<typeof run>;
      }
      const answer = (async () => {
        const known = await log.remembered(key);
        if (known === undefined) {
          return run({ key, fingerprint, answer: (executed) => JSON.stringify(answerOf(executed)) });
        }
        refuseOther(key, known.fingerprint, fingerprint);
        return JSON.parse(known.answer) as Awaited<ReturnType<typeof run>>;
      })();
      inFlight.set(key, { fingerprint, answer });
      try {
        return await answer;
      } finally {
        inFlight.delete(key);
      }
    },
  };
}
