/** What came in during one tick: raw requests and failures of both arms. */
export interface Counts {
  readonly candidateRequests: number;
  readonly candidateFailures: number;
  readonly controlRequests: number;
  readonly controlFailures: number;
}

/** A rule that people use in a guard's place. Looked at after every tick; says whether it would revert. */
export interface Rival {
  see(counts: Counts): boolean;
}

const slotMs = 250;

/**
 * Reverts when more than `errorRateLimit` of the candidate's requests in the window failed and there were at least `requestsMin`, as an
 * alert rule in a monitoring system does.
 */
export function createWindowRule(errorRateLimit: number, windowMs: number, requestsMin: number): Rival {
  const slots: Counts[] = [];
  let [requests, failures] = [0, 0];
  return {
    see(counts) {
      slots.push(counts);
      requests += counts.candidateRequests;
      failures += counts.candidateFailures;
      if (slots.length > windowMs / slotMs) {
        const oldest = slots.shift();
        requests -= oldest?.candidateRequests ?? 0;
        failures -= oldest?.candidateFailures ?? 0;
      }
      return requests >= requestsMin && failures > errorRateLimit * requests;
    },
  };
}

/**
 * Reverts when the one-sided test of two proportions, over everything since the start, gives a z above `zLimit`: right when it is looked
 * at once, at an end that was fixed beforehand. Says nothing below `requestsMin` candidate requests.
 */
export function createZTest(zLimit: number, requestsMin: number): Rival {
  const sum = { candidateRequests: 0, candidateFailures: 0, controlRequests: 0, controlFailures: 0 };
  return {
    see(counts) {
      sum.candidateRequests += counts.candidateRequests;
      sum.candidateFailures += counts.candidateFailures;
      sum.controlRequests += counts.controlRequests;
      sum.controlFailures += counts.controlFailures;
      const { candidateRequests, candidateFailures, controlRequests, controlFailures } = sum;
      if (candidateRequests < requestsMin || controlRequests === 0) return false;
      const pooled = (candidateFailures + controlFailures) / (candidateRequests + controlRequests);
      const variance = pooled * (1 - pooled) * (1 / candidateRequests + 1 / controlRequests);
      if (variance <= 0) return false;
      const difference = candidateFailures / candidateRequests - controlFailures / controlRequests;
      return difference > zLimit * Math.sqrt(variance);
    },
  };
}

/** The rules that every table shows beside the guard. */
export const rivalNames = ["window", "z 5 %", "z 0.1 %"] as const;

export type RivalName = (typeof rivalNames)[number];

/** 2 % over 30 s with at least 50 requests, and two z-tests, each looked at after every tick. */
export function createRivals(): Readonly<Record<RivalName, Rival>> {
  return {
    window: createWindowRule(0.02, 30_000, 50),
    "z 5 %": createZTest(1.645, 50),
    "z 0.1 %": createZTest(3.09, 50),
  };
}
