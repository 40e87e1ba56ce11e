import { AsyncLocalStorage } from "node:async_hooks";
import type { MiddlewareHandler } from "hono";
import type { ShopView } from "../shop/app.ts";
import type { Items, Price } from "../shop/items.ts";
import type { ShopSource } from "../shop/source.ts";

/** How often a process asks which version is the current one, in milliseconds. */
const pollMs = 5_000;

/** How often it hands over its counters, in milliseconds: as often as a tight scrape. */
const scrapeMs = 5_000;

interface Loaded {
  readonly version: string;
  readonly items: ReadonlyMap<string, Price>;
}

/**
 * What many shops have today in place of Sluice: a flag that names a version, a file for each version, a copy in each
 * process, and counters that an alert rule looks at.
 */
export async function openFlag(options: {
  readonly url: string;
  readonly worker: string;
  /** Called when this process serves another version than before. */
  readonly onSwitched: (version: string) => void;
}): Promise<ShopSource> {
  const { url, worker, onSwitched } = options;
  const current = new AsyncLocalStorage<ShopView>();
  const counters = { requests: 0, errors: 0 };
  let loaded: Loaded = { version: "", items: new Map() };

  async function poll(): Promise<void> {
    const flag = (await (await fetch(`${url}/flag`)).json()) as { version: string };
    if (flag.version === loaded.version) return;
    const text = await (await fetch(`${url}/versions/${flag.version}.ndjson`)).text();
    const rows = text.trimEnd().split("\n");
    const items = new Map(
      rows.map((row) => {
        const { key, value }: { key: string; value: Price } = JSON.parse(row);
        return [key, value];
      }),
    );
    loaded = { version: flag.version, items };
    onSwitched(flag.version);
  }

  async function handOver(): Promise<void> {
    await fetch(`${url}/counters/${worker}`, { method: "POST", body: JSON.stringify(counters) });
  }

  await poll();
  const timers = [
    setInterval(() => void poll().catch(complain), pollMs),
    setInterval(() => void handOver().catch(complain), scrapeMs),
  ];

  function createView(): ShopView & { readonly failed: () => boolean } {
    const { version, items } = loaded;
    let failed = false;
    const datasets: { readonly [Name in keyof Items]: ReadonlyMap<string, Items[Name]> } = {
      prices: items,
      stock: new Map(),
    };
    return {
      get: (dataset, key) => datasets[dataset].get(key),
      version: () => Number(version.slice(1)),
      arm: () => null,
      release: () => null,
      commit: (fn) => fn(),
      fail() {
        failed = true;
      },
      failed: () => failed,
    };
  }

  const middleware: MiddlewareHandler = async (c, next) => {
    const view = createView();
    await current.run(view, next);
    counters.requests += 1;
    if (c.res.status >= 500 || view.failed()) counters.errors += 1;
  };

  return {
    data: { view: createView, current: () => current.getStore() },
    middleware,
    skus: () => loaded.items.keys(),
    look: () => ({
      release: null,
      stable: Number(loaded.version.slice(1)),
      candidate: null,
      thousandths: null,
      phase: null,
      connected: true,
      reverted: null,
    }),
    async close() {
      for (const timer of timers) clearInterval(timer);
    },
  };
}

function complain(error: unknown): void {
  console.error("the flag's host did not answer", error);
}
