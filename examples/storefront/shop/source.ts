import type { MiddlewareHandler } from "hono";
import type { ShopData, ShopView } from "./app.ts";
import type { ReleaseLook } from "./window.ts";

/** Where the shop's data comes from: Sluice, or in the comparison what people have today. */
export interface ShopSource {
  readonly data: ShopData;
  /** Makes a view for each request and counts what came of it. */
  readonly middleware: MiddlewareHandler;
  readonly look: () => ReleaseLook;
  /** Every article that there is a price for. */
  readonly skus: () => Iterable<string>;
  readonly close: () => Promise<void>;
}

/** The data of a shop that tells nobody of the failures that only it knows of. What its middleware sees by itself it still counts. */
export function withoutKinds(data: ShopData): ShopData {
  return {
    view: (options) => data.view(options),
    current() {
      const view = data.current();
      return view === undefined ? undefined : silent(view);
    },
  };
}

function silent(view: ShopView): ShopView {
  return {
    get: (dataset, key) => view.get(dataset, key),
    version: (dataset) => view.version(dataset),
    arm: (dataset) => view.arm(dataset),
    release: (dataset) => view.release(dataset),
    commit: (fn) => view.commit(fn),
    fail: () => undefined,
  };
}
