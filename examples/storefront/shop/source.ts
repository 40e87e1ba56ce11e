import type { MiddlewareHandler } from "hono";
import type { ShopData } from "./app.ts";
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
