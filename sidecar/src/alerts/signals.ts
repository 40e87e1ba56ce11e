import type { Clock, DatasetState, Plan } from "@sluice/core";
import { isActive, own } from "@sluice/core";
import type { QueryStatus } from "@sluice/core/api";
import type { Logger } from "pino";
import type { Commands } from "../commands.ts";
import type { EventLog } from "../store/port.ts";
import { type Alerts, createAlerts } from "./alerts.ts";
import { createComparer } from "./comparison.ts";
import { openFiringBook } from "./firing-book.ts";
import { createFiringHolds } from "./firing-holds.ts";
import { createHand } from "./hand.ts";
import { refuseUnusable, ruleFaults } from "./plan-problems.ts";
import { createPrometheus } from "./prometheus.ts";
import { createQueries, queryIntervalMsDefault } from "./queries.ts";
import { createRecorder } from "./recorder.ts";
import { createRules } from "./rules.ts";
import type { SecretSource } from "./secret.ts";

/** The Prometheus that an origin asks. */
export interface PrometheusOptions {
  readonly url: string;
  /** How often each query is asked, in milliseconds. Default 5,000. */
  readonly intervalMs?: number;
  readonly token?: SecretSource | null;
}

/** All that reverts and holds from outside: alerts that come in, and queries that are asked. */
export interface Signals {
  readonly alerts: Alerts;
  queries(release: string): readonly QueryStatus[] | undefined;
  /** What a person should know, a sentence each: rules that cannot be used, queries that fire or are not answered. */
  faults(dataset: DatasetState): readonly string[];
  /** Throws VALIDATION for a plan whose rules could never act here. */
  refuseUnusable(plan: Plan): void;
  close(): Promise<void>;
}

/** Puts them together. */
export async function createSignals(dependencies: {
  readonly commands: Commands;
  readonly documents: Pick<EventLog, "getDocument" | "putDocument">;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Lets others have this thread. */
  readonly yieldNow: () => Promise<void>;
  readonly prometheus?: PrometheusOptions | null;
}): Promise<Signals> {
  const { commands, fetch, clock, logger, prometheus = null } = dependencies;
  const book = await openFiringBook(dependencies);
  const hand = createHand({ commands });
  const holds = createFiringHolds({ commands, book, hand, clock, logger });
  const recorder = createRecorder({ commands, clock, logger });
  const rules = createRules();
  const comparer = createComparer({
    active: () => Object.values(commands.state().releases).filter(isActive),
    rulesOf: ({ dataset, plan }) => rules(dataset, plan.alerts),
    yieldNow: dependencies.yieldNow,
  });
  const alerts = createAlerts({ commands, comparer, book, hand, recorder, clock, logger });
  const queries = createQueries({
    commands,
    prometheus:
      prometheus === null
        ? null
        : createPrometheus({ url: prometheus.url, fetch, clock, token: prometheus.token ?? null }),
    intervalMs: prometheus?.intervalMs ?? queryIntervalMsDefault,
    book,
    hand,
    holds,
    clock,
    logger,
  });
  const faultsOf = createRuleFaults();

  return {
    alerts,
    queries: (release) => queries.status(release),
    faults(dataset) {
      const release = dataset.release === null ? undefined : own(commands.state().releases, dataset.release);
      return [
        ...faultsOf(dataset.name, release?.plan ?? dataset.plan),
        ...queries.faults(dataset.name),
        ...(release === undefined ? [] : holds.faults(release)),
      ];
    },
    refuseUnusable: (plan) => refuseUnusable(plan, prometheus !== null),
    async close() {
      queries.close();
      holds.close();
      await book.close();
    },
  };
}

/** The faults of a plan's rules are worked out once: status is looked at four times a second. */
function createRuleFaults(): (dataset: string, plan: Plan) => readonly string[] {
  const known = new WeakMap<Plan, readonly string[]>();
  return (dataset, plan) => {
    const faults = known.get(plan) ?? ruleFaults(dataset, plan);
    known.set(plan, faults);
    return faults;
  };
}
