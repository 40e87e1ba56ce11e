import type { VirtualClock } from "@sluice/core";
import { createVirtualClock } from "@sluice/core";
import type { CommandAnswer, OutcomeBatch, StatusAnswer } from "@sluice/core/api";
import { type Logger, pino } from "pino";
import type { Origin, OriginDependencies } from "./origin.ts";
import { createOrigin } from "./origin.ts";
import type { RetentionLimits } from "./retention.ts";
import { createMemoryDisk, createMemoryStore } from "./store/memory-store.ts";
import type { Store } from "./store/port.ts";

/** An origin on a memory store and a virtual clock, spoken to without a socket. */
export interface TestOrigin {
  readonly origin: Origin;
  readonly clock: VirtualClock;
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Posts JSON. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  publish(dataset: string, items: Readonly<Record<string, unknown>>, query?: string): Promise<Response>;
  status(): Promise<StatusAnswer>;
}

/** Starts one, with a dataset `prices` where `items` are given. */
export async function createTestOrigin(
  options: {
    items?: Readonly<Record<string, unknown>>;
    plan?: unknown;
    template?: string;
    store?: Parameters<typeof createMemoryStore>[0];
    /** A store of another kind, in the place of `store`. */
    open?: Store;
    clock?: VirtualClock;
    /** Default `instance-1`. */
    instance?: string;
    logger?: Logger;
    retention?: Partial<RetentionLimits>;
    fetch?: typeof globalThis.fetch;
  } & Pick<OriginDependencies, "alertsToken" | "prometheus"> = {},
): Promise<TestOrigin> {
  const { clock = createVirtualClock(), retention = {} } = options;
  let drawn = 0;
  const store = options.open ?? createMemoryStore(options.store ?? { id: "log-1", clock, disk: createMemoryDisk() });
  const origin = await createOrigin({
    store,
    clock,
    random: () => (drawn++ % 97) / 97,
    instance: options.instance ?? "instance-1",
    fetch: options.fetch ?? (() => Promise.reject(new TypeError("no network here"))),
    logger: options.logger ?? pino({ level: "silent" }),
    spoolDirectory: null,
    yieldNow: () => Promise.resolve(),
    retention,
    alertsToken: options.alertsToken ?? null,
    prometheus: options.prometheus ?? null,
  });
  const request: TestOrigin["request"] = async (path, init) => origin.app.request(path, init);
  const test: TestOrigin = {
    origin,
    clock,
    request,
    post: (path, body, headers = {}) =>
      request(path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      }),
    publish: (dataset, items, query = "") =>
      request(`/v1/datasets/${dataset}/versions${query}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(items),
      }),
    status: async () => (await (await request("/v1/status")).json()) as StatusAnswer,
  };
  if (options.items !== undefined) {
    const { plan, template } = options;
    await test.post("/v1/datasets", {
      name: "prices",
      ...(plan === undefined ? {} : { plan }),
      ...(template === undefined ? {} : { template }),
    });
    await test.publish("prices", options.items);
  }
  return test;
}

/** `count` priced items. */
export function pricedItems(count: number, price = 100): Record<string, { price: number; currency: string }> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`sku-${index}`, { price: price + index, currency: "CNY" }]),
  );
}

/** The parts of an answer that tests look at. */
export async function answerOf(
  response: Promise<Response>,
): Promise<{ status: number } & Partial<CommandAnswer> & Record<string, unknown>> {
  const answered = await response;
  const body = (await answered.json()) as Record<string, unknown>;
  return { ...body, status: answered.status };
}

/** A batch in which the candidate failed and the control did not, or as given. */
export function failures(
  release: string,
  sequence: number,
  counts: {
    candidateFailures?: number;
    candidateOk?: number;
    controlFailures?: number;
    /** Successes of the control. */
    ok?: number;
    epoch?: number;
    thousandths?: number;
  },
): OutcomeBatch {
  const {
    candidateFailures = 0,
    candidateOk = 0,
    controlFailures = 0,
    ok = 0,
    epoch = 1,
    thousandths = 5_000,
  } = counts;
  const arm = (fail: number, okCount: number, firstUnit: number): OutcomeBatch["reports"][number]["candidate"] => ({
    ok: okCount,
    failures: fail === 0 ? {} : { error: { count: fail, distinct: fail } },
    units: Array.from({ length: fail }, (_, index) => firstUnit + sequence * 100 + index),
  });
  return {
    reporter: "reporter-1",
    sequence,
    reports: [
      {
        release,
        epoch,
        candidate: arm(candidateFailures, candidateOk, 0),
        control: arm(controlFailures, ok, thousandths),
        served: { candidate: candidateFailures + candidateOk, stable: ok + controlFailures },
      },
    ],
  };
}
