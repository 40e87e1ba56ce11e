import { readFileSync } from "node:fs";
import type { View, ViewOptions } from "@sluice/sdk";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import type { Items, Price } from "./items.ts";
import type { Metrics } from "./metrics.ts";
import { formatMoney, type Language } from "./money.ts";
import { errorPage, productPage, receiptPage } from "./pages.ts";
import type { PaymentSide } from "./payment.ts";
import type { Window } from "./window.ts";

/** What the shop reads in one request. */
export type ShopView = Pick<View<Items>, "get" | "version" | "arm" | "release" | "fail" | "commit">;

/** What the shop reads through: a client of the SDK is one. */
export interface ShopData {
  view(options: ViewOptions): ShopView;
  /** The view of the request that is going on. */
  current(): ShopView | undefined;
}

/** What a shop is made of. */
export interface ShopParts {
  readonly data: ShopData;
  /** Makes a view for each request and counts what came of it. */
  readonly middleware: MiddlewareHandler;
  readonly payment: PaymentSide;
  readonly window: Window;
  readonly metrics: Metrics;
  /** Names the process in `shop-worker`. */
  readonly worker: string;
}

const publicFiles = [
  { path: "/", file: "index.html", type: "text/html; charset=utf-8" },
  { path: "/shop.css", file: "shop.css", type: "text/css; charset=utf-8" },
  { path: "/shop.js", file: "shop.js", type: "text/javascript; charset=utf-8" },
] as const;

/** Most articles that one request for a shelf may ask for. */
const shelfMax = 24;

/** Who asks, as the SDK's middleware wants to know it. A real shop takes it from the session. */
export function shopperOf(c: Context): string | undefined {
  return c.req.query("user");
}

/** What a handler tells of its request: the kind of failure that it reported. */
interface ShopEnv {
  Variables: { failure?: string };
}

/** Makes the shop. It formats and sells what it reads, and looks for no fault in it. */
export function createShop({ data, middleware, payment, window, metrics, worker }: ShopParts): Hono<ShopEnv> {
  const app = new Hono<ShopEnv>();

  app.use(async (c, next) => {
    c.header("shop-worker", worker);
    await next();
  });
  for (const { path, file, type } of publicFiles) {
    const text = readFileSync(new URL(`./public/${file}`, import.meta.url), "utf8");
    app.get(path, (c) => c.body(text, 200, { "content-type": type, "cache-control": "no-cache" }));
  }
  app.get("/window", (c) => c.json(window.look()));

  for (const path of ["/product/*", "/checkout", "/shelf"]) {
    app.use(path, middleware, async (c, next) => {
      // Before the handler runs, so that an error page says it too.
      c.header("shop-prices", String(view().version("prices")));
      const startedMs = performance.now();
      const [arm, release] = [view().arm("prices"), view().release("prices")];
      await next();
      const seconds = (performance.now() - startedMs) / 1_000;
      metrics.count({ route: path, status: c.res.status, failure: c.get("failure") ?? null, arm, release, seconds });
    });
  }

  app.get("/product/:sku", async (c) => {
    const price = priceOf(c.req.param("sku"));
    if (price === undefined) return c.notFound();
    const coupon = price.coupon === undefined ? null : await payment.coupon(price.coupon);
    const card = { ...cardOf(c.req.param("sku"), price, languageOf(c)), coupon };
    return wantsJson(c) ? c.json(card) : c.html(productPage(card, languageOf(c), shopperOf(c) ?? ""));
  });

  app.get("/shelf", (c) => {
    const skus = (c.req.query("skus") ?? "").split(",").slice(0, shelfMax);
    const cards = skus.flatMap((sku) => {
      const price = priceOf(sku);
      return price === undefined ? [] : [cardOf(sku, price, languageOf(c))];
    });
    return c.json({ version: view().version("prices"), arm: view().arm("prices"), cards });
  });

  app.post("/checkout", async (c) => {
    const sku = c.req.query("sku") ?? "";
    const price = priceOf(sku);
    if (price === undefined) return c.notFound();
    const card = cardOf(sku, price, languageOf(c));
    const { currency } = price;
    // A payment cannot be taken back, so it does not begin with a price that was.
    const paid = await view().commit(() => payment.pay({ sku, total: price.price, currency }));
    if ("refused" in paid) {
      report(c, paid.refused);
      const text = { zh: "付款未成功", en: "The payment was declined" }[languageOf(c)];
      return wantsJson(c) ? c.json({ error: paid.refused }, 422) : c.html(errorPage(text, languageOf(c)), 422);
    }
    // The shopper is served; that it should not have come to this is for the guard to know.
    if (paid.concern !== null) report(c, paid.concern);
    return wantsJson(c) ? c.json({ ...card, payment: paid.id }) : c.html(receiptPage(card, paid.id, languageOf(c)));
  });

  app.notFound((c) => c.text("there is nothing here", 404));
  app.onError((error, c) => {
    const text = { zh: "页面出错了", en: "This page is broken" }[languageOf(c)];
    return wantsJson(c) ? c.json({ error: error.message }, 500) : c.html(errorPage(text, languageOf(c)), 500);
  });

  function view(): ShopView {
    const current = data.current();
    if (current === undefined) throw new Error("there is no view outside of the middleware");
    return current;
  }

  /** Says that the request failed, whatever it is answered with. */
  function report(c: Context<ShopEnv>, kind: string): void {
    view().fail(kind);
    c.set("failure", kind);
  }

  function priceOf(sku: string): Price | undefined {
    return view().get("prices", sku);
  }

  function cardOf(sku: string, { price, currency, name, brand, department }: Price, language: Language): Card {
    return {
      sku,
      name: name[language],
      brand: brand[language],
      department: department[language],
      label: formatMoney(price, currency, language),
      price,
      currency,
      stock: view().get("stock", sku)?.stock ?? 0,
      version: view().version("prices"),
      arm: view().arm("prices"),
    };
  }

  return app;
}

/** An article as it is shown. */
export interface Card {
  readonly sku: string;
  readonly name: string;
  readonly brand: string;
  readonly department: string;
  /** The price as people read it. */
  readonly label: string;
  readonly price: number;
  readonly currency: string;
  readonly stock: number;
  /** Number of the version of the prices. */
  readonly version: number | null;
  readonly arm: "candidate" | "control" | null;
}

function languageOf(c: Context): Language {
  return c.req.query("lang") === "en" ? "en" : "zh";
}

function wantsJson(c: Context): boolean {
  return c.req.header("accept")?.includes("text/html") !== true;
}
