import { createVirtualClock, type VirtualClock } from "@sluice/core";
import type { StatusAnswer } from "@sluice/core/api";
import { createReplica, type Replica } from "@sluice/replica";
import { settle } from "@sluice/replica/testing";
import { pino } from "pino";
import type { App } from "./app.ts";
import { createTestOrigin, pricedItems, type TestOrigin } from "./origin.testing.ts";
import { createSidecar, type Sidecar } from "./sidecar.ts";
import {
  createMemoryDisk,
  createMemoryStore,
  type MemoryDisk,
  type MemoryStore,
  type WriteFate,
} from "./store/memory-store.ts";

/** An origin, sidecars and applications in one process, joined without sockets, on a clock that stands still. */
export interface Fleet {
  readonly clock: VirtualClock;
  readonly disk: MemoryDisk;
  origin(): TestOrigin;
  /** Starts the origin; the process of it before, if there is one, is killed, and this one goes on from its disk. */
  startOrigin(): Promise<TestOrigin>;
  /** From now on the store takes nothing that this process of the origin appends. */
  breakStore(): void;
  /** A sidecar that follows the origin, or another. Its host is its name; the process of that name before, if there is one, is killed, or goes on beside it. */
  sidecar(name: string, options?: { directory?: string; follows?: string; beside?: boolean }): Promise<Sidecar>;
  /** A replica of the application `id` that follows instances by name. */
  app(id: string, follows: readonly string[], directory?: string): Promise<Replica>;
  /** Nothing passes to or from a host. */
  cut(host: string): void;
  heal(host: string): void;
  pass(durationMs: number): Promise<void>;
  /** Moves on until something is so that timers and a disk bring about together. Throws where it never is. */
  until(holds: () => boolean | Promise<boolean>): Promise<void>;
  post(host: string, path: string, body?: unknown): Promise<{ status: number } & Record<string, unknown>>;
  get(host: string, path: string): Promise<Record<string, unknown>>;
  status(host: string): Promise<StatusAnswer>;
  /** Publishes another version and starts its release. */
  release(thousandths: number): Promise<string>;
}

/** A request with what breaks it off, which it has to outlive: the signal of a request that was collected as garbage is never aborted. */
interface Exchange {
  readonly broken: AbortController;
  readonly request: Request;
}

interface Process {
  killed: boolean;
  /** Whose timers fire for as long as the process lives. */
  readonly clock: VirtualClock;
}

/** Starts an origin with a dataset `prices` of one version and a plan by hand. */
export async function createFleet(plan: object = {}): Promise<Fleet> {
  const clock = createVirtualClock();
  const disk = createMemoryDisk();
  const apps = new Map<string, App>();
  const down = new Set<string>();
  const open = new Map<string, Set<Exchange>>();
  const processes = new Map<string, Process>();
  let drawn = 0;
  let started = 0;
  let items = pricedItems(20);
  let origin: TestOrigin;
  let store: MemoryStore | undefined;
  let isStoreBroken = false;

  const fetchOf =
    (from: string, process?: Process): typeof globalThis.fetch =>
    async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input);
      const app = apps.get(url.hostname);
      const unreachable = process?.killed === true || down.has(url.hostname) || down.has(from);
      if (app === undefined || unreachable) throw new TypeError("fetch failed");
      const broken = new AbortController();
      const signal = AbortSignal.any([broken.signal, ...(init?.signal ? [init.signal] : [])]);
      const exchange = { broken, request: new Request(url, { ...init, signal }) };
      for (const host of [from, url.hostname]) open.set(host, (open.get(host) ?? new Set()).add(exchange));
      return app.request(exchange.request);
    };
  const disconnect = (host: string): void => {
    for (const { broken } of open.get(host) ?? []) broken.abort();
    open.delete(host);
  };
  const cut = (host: string): void => {
    down.add(host);
    disconnect(host);
  };
  /** A process in place of the one before of its name, whose timers never fire again and whose requests reach nobody. */
  const startProcess = (name: string): Process => {
    const before = processes.get(name);
    if (before !== undefined) {
      before.killed = true;
      disconnect(name);
    }
    const process: Process = {
      killed: false,
      clock: {
        ...clock,
        setTimer: (delayMs, fire, timing) => clock.setTimer(delayMs, () => void (process.killed || fire()), timing),
      },
    };
    processes.set(name, process);
    return process;
  };
  const request = async (host: string, path: string, init?: RequestInit): Promise<Response> => {
    const app = apps.get(host);
    if (app === undefined) throw new Error(`there is no ${host}`);
    return app.request(path, init);
  };

  const fleet: Fleet = {
    clock,
    disk,
    origin: () => origin,
    async startOrigin() {
      const isFirst = started++ === 0;
      const process = startProcess("origin");
      store?.crash();
      isStoreBroken = false;
      const fate = (): WriteFate =>
        isStoreBroken ? { durable: false, answer: "STORE_UNAVAILABLE" } : { durable: true, answer: "ok" };
      store = createMemoryStore({ id: "log-1", disk, clock: process.clock, fate });
      const first = { items, plan: { automatic: false, bakeMs: 600_000, ...plan } };
      const instance = `origin-${started}`;
      origin = await createTestOrigin({ open: store, clock: process.clock, instance, ...(isFirst ? first : {}) });
      apps.set("origin", origin.origin.app);
      return origin;
    },
    breakStore: () => void (isStoreBroken = true),
    async sidecar(name, { directory, follows = "origin", beside = false } = {}) {
      const instance = `${name}-${++started}`;
      const process = startProcess(beside ? instance : name);
      const sidecar = await createSidecar({
        origins: [`http://${follows}`],
        instance,
        name,
        directory: directory ?? null,
        fetch: fetchOf(name, process),
        clock: process.clock,
        random: () => (drawn++ % 89) / 89,
        logger: pino({ level: "silent" }),
      });
      apps.set(name, sidecar.app);
      return sidecar;
    },
    async app(id, follows, directory) {
      const replica = createReplica({
        urls: follows.map((host) => `http://${host}`),
        id,
        name: id,
        kind: "sdk",
        datasets: null,
        directory: directory ?? null,
        fetch: fetchOf(id),
        clock,
        random: () => (drawn++ % 83) / 83,
        app: id,
      });
      await replica.start();
      return replica;
    },
    cut,
    heal: (host) => void down.delete(host),
    async pass(durationMs) {
      for (let passedMs = 0; passedMs < durationMs; passedMs += 50) {
        clock.advance(Math.min(50, durationMs - passedMs));
        await settle();
      }
    },
    async until(holds) {
      for (let steps = 0; steps < 5_000; steps++) {
        if (await holds()) return;
        clock.advance(20);
        await settle();
      }
      throw new Error("it never came about");
    },
    async post(host, path, body = {}) {
      const response = await request(host, path, {
        method: "POST",
        headers: { "content-type": "application/json", "sluice-actor": "anna" },
        body: JSON.stringify(body),
      });
      return { ...((await response.json()) as Record<string, unknown>), status: response.status };
    },
    async get(host, path) {
      return (await (await request(host, path)).json()) as Record<string, unknown>;
    },
    async status(host) {
      return (await (await request(host, "/v1/status")).json()) as StatusAnswer;
    },
    async release(thousandths) {
      items = pricedItems(20, 200 + drawn);
      const response = await origin.publish("prices", items, `?release=true&thousandths=${thousandths}`);
      const { release } = (await response.json()) as { release: string };
      return release;
    },
  };
  await fleet.startOrigin();
  return fleet;
}
