/** An alert on the share of failed requests, as it is written for Prometheus: `errors / requests > 1 %, for 60 s`. */
export interface AlertRule {
  /** Takes a process's counters as they were at `atMs`; they only ever rise. */
  count(worker: string, counters: Counters, atMs: number): void;
  /** Evaluates the rule: whether it fires at `atMs`. */
  evaluate(atMs: number): { readonly errorRate: number | null; readonly state: "inactive" | "pending" | "firing" };
}

/** What a process has counted since it started. */
export interface Counters {
  readonly requests: number;
  readonly errors: number;
}

/** The settings of the rule; all times in milliseconds. */
export interface AlertRuleOptions {
  /** A fraction of the requests, above which the alert becomes pending. */
  readonly errorRateLimit: number;
  /** The rate is taken over this time. */
  readonly windowMs: number;
  /** It fires once it has been pending for this long. */
  readonly forMs: number;
}

interface Sample extends Counters {
  readonly atMs: number;
}

/** Makes a rule. */
export function createAlertRule({ errorRateLimit, windowMs, forMs }: AlertRuleOptions): AlertRule {
  const samples = new Map<string, Sample[]>();
  let pendingSince: number | null = null;

  function errorRateAt(atMs: number): number | null {
    let requests = 0;
    let errors = 0;
    for (const list of samples.values()) {
      const within = list.filter((sample) => sample.atMs > atMs - windowMs && sample.atMs <= atMs);
      const [first, last] = [within[0], within.at(-1)];
      if (first === undefined || last === undefined) continue;
      requests += last.requests - first.requests;
      errors += last.errors - first.errors;
    }
    return requests === 0 ? null : errors / requests;
  }

  return {
    count(worker, counters, atMs) {
      const list = samples.get(worker) ?? [];
      samples.set(worker, [...list.filter((sample) => sample.atMs > atMs - 2 * windowMs), { ...counters, atMs }]);
    },
    evaluate(atMs) {
      const errorRate = errorRateAt(atMs);
      if (errorRate === null || errorRate <= errorRateLimit) {
        pendingSince = null;
        return { errorRate, state: "inactive" };
      }
      pendingSince ??= atMs;
      return { errorRate, state: atMs - pendingSince >= forMs ? "firing" : "pending" };
    },
  };
}
