import { createVirtualClock, type VirtualClock } from "@sluice/core";
import type { StatusAnswer } from "@sluice/core/api";
import { pino } from "pino";
import { createOrigin, type Origin, type OriginDependencies } from "../../sidecar/src/origin.ts";
import { openEmbeddedStore } from "../../sidecar/src/store/embedded-store.ts";
import type { Store } from "../../sidecar/src/store/port.ts";

/** An origin on a real directory, spoken to without a socket. */
export interface OriginOnDisk {
  readonly clock: VirtualClock;
  readonly request: (path: string, init?: RequestInit) => Promise<Response>;
  post(path: string, body: unknown): Promise<{ readonly status: number; readonly body: Record<string, unknown> }>;
  publish(
    dataset: string,
    items: ReadonlyMap<string, unknown>,
  ): Promise<{ readonly status: number; readonly body: Record<string, unknown> }>;
  /** Every reason that the status gives for not being well. */
  complaints(): Promise<readonly string[]>;
  /** What was said at level warn and above. */
  readonly said: readonly string[];
  close(): Promise<void>;
}

/** Opens one; throws what opening throws. `wrap` gets between the origin and its store. */
export async function openOrigin(
  directory: string,
  options: Pick<OriginDependencies, "compaction" | "retention"> & { readonly wrap?: (store: Store) => Store } = {},
): Promise<OriginOnDisk> {
  const { wrap = (its) => its, ...limits } = options;
  const clock = createVirtualClock();
  const said: string[] = [];
  const logger = pino({ level: "warn" }, { write: (line: string) => void said.push(line) });
  const store = wrap(await openEmbeddedStore({ directory, clock, newLogId: () => "log-1", logger }));
  let origin: Origin;
  try {
    origin = await createOrigin({
      ...limits,
      store,
      clock,
      random: () => 0.5,
      instance: "instance-1",
      fetch: () => Promise.reject(new TypeError("no network here")),
      logger,
      spoolDirectory: null,
      yieldNow: () => new Promise((resolve) => void setImmediate(resolve)),
    });
  } catch (error) {
    await store.close();
    throw error;
  }
  const request = async (path: string, init?: RequestInit): Promise<Response> => origin.app.request(path, init);
  const send = async (path: string, type: string, body: string): ReturnType<OriginOnDisk["post"]> => {
    const response = await request(path, { method: "POST", headers: { "content-type": type }, body });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return {
    clock,
    said,
    request,
    post: (path, body) => send(path, "application/json", JSON.stringify(body)),
    publish: (dataset, items) =>
      send(
        `/v1/datasets/${dataset}/versions`,
        "application/x-ndjson",
        [...items].map(([key, value]) => `${JSON.stringify({ key, value })}\n`).join(""),
      ),
    async complaints() {
      const status = (await (await request("/v1/status")).json()) as StatusAnswer;
      return status.datasets.flatMap(({ health }) => health.reasons);
    },
    close: () => origin.close(),
  };
}
