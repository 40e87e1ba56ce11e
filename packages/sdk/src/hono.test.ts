import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sluiceMiddleware, viewHeader } from "./hono.ts";
import { createTestClient, type TestClient } from "./testing.ts";

type Items = { readonly prices: number };

let client: TestClient<Items>;
let app: Hono;

beforeEach(() => {
  client = createTestClient({
    datasets: { prices: { same: 1, moved: 1 } },
    candidate: { prices: { same: 1, moved: 2 } },
    percentage: 50,
  });
  app = new Hono();
  app.onError((error, c) => (error instanceof HTTPException ? error.getResponse() : c.text("broken", 500)));
  app.use(
    sluiceMiddleware(client, {
      targetingKey: (c) => c.req.header("user"),
      attributes: (c) => ({ path: c.req.path }),
      exposeHeaders: ["prices"],
    }),
  );
  app.get("/price/:sku", (c) => c.json(client.current()?.get("prices", c.req.param("sku")) ?? null));
});

afterEach(() => client.close());

const arms = ["candidate", "control"] as const;
const ask = (path: string, arm: (typeof arms)[number], init: RequestInit = {}): Promise<Response> =>
  Promise.resolve(app.request(path, { ...init, headers: { user: client.targetingKey("prices", arm) } }));
const counted = (): string[] => client.outcomes.map(({ arm, failure }) => `${arm} ${failure ?? "ok"}`);

test("each request reads through its own view", async () => {
  const prices = await Promise.all(arms.map(async (arm) => (await ask("/price/moved", arm)).json()));
  expect(prices).toEqual([2, 1]);
  expect(client.current()).toBeUndefined();
});

test("requests at the same time do not see each other's view", async () => {
  const { promise: met, resolve: meet } = Promise.withResolvers<void>();
  app.get("/slow", async (c) => {
    await met;
    return c.json(client.current()?.targetingKey);
  });
  const asked = ["u1", "u2"].map((user) => app.request("/slow", { headers: { user } }));
  meet();
  expect(await Promise.all(asked.map(async (response) => (await response).json()))).toEqual(["u1", "u2"]);
});

test("a request of nobody in particular is served and not counted", async () => {
  expect(await (await app.request("/price/moved")).json()).toBe(1);
  expect(counted()).toEqual([]);
});

test("the view knows what the application says of the request", async () => {
  app.get("/facts", (c) => c.json(client.current()?.attributes));
  expect(await (await ask("/facts", "control")).json()).toEqual({ path: "/facts" });
});

test("the answer names the version and the arm where it is told to", async () => {
  expect((await ask("/price/same", "candidate")).headers.get(viewHeader)).toBe("prices;version=2;arm=candidate");
  expect((await ask("/price/same", "control")).headers.get(viewHeader)).toBe("prices;version=1;arm=control");
  client.revert();
  expect((await app.request("/price/same")).headers.get(viewHeader)).toBe("prices;version=1");
});

describe("an outcome is counted", () => {
  test("as a success for an answer below 500", async () => {
    app.get("/missing", (c) => c.json(client.current()?.get("prices", "moved") ?? null, 404));
    await ask("/price/moved", "candidate");
    await ask("/missing", "control");
    expect(counted()).toEqual(["candidate ok", "control ok"]);
  });

  test("as a failure for an answer of 500 and above", async () => {
    app.get("/unavailable", (c) => c.json(client.current()?.get("prices", "moved") ?? null, 503));
    await ask("/unavailable", "candidate");
    expect(counted()).toEqual(["candidate error"]);
  });

  test("as a failure for what a handler throws, whatever the error handler makes of it", async () => {
    app.onError((_error, c) => c.text("sorry", 200));
    app.get("/broken", () => {
      client.current()?.get("prices", "moved");
      throw new Error("no currency");
    });
    expect((await ask("/broken", "control")).status).toBe(200);
    expect(counted()).toEqual(["control error"]);
  });

  test("as a failure for something thrown that is no Error, which is thrown on", async () => {
    app.get("/odd", () => {
      client.current()?.get("prices", "moved");
      // oxlint-disable-next-line typescript/only-throw-error -- what a careless handler does
      throw "odd";
    });
    await expect(ask("/odd", "control")).rejects.toBe("odd");
    expect(counted()).toEqual(["control error"]);
  });

  test("by its status for an HTTPException, which is an answer", async () => {
    app.get("/status/:status", (c) => {
      client.current()?.get("prices", "moved");
      throw new HTTPException(c.req.param("status") === "403" ? 403 : 502);
    });
    await ask("/status/403", "candidate");
    await ask("/status/502", "candidate");
    expect(counted()).toEqual(["candidate ok", "candidate error"]);
  });

  test("under the kind that the handler reported", async () => {
    app.get("/cheap", (c) => {
      client.current()?.get("prices", "moved");
      client.current()?.fail("below-cost");
      return c.text("sold");
    });
    await ask("/cheap", "candidate");
    expect(counted()).toEqual(["candidate below-cost"]);
  });

  test("not at all where the client gave up", async () => {
    const controller = new AbortController();
    app.get("/slow", (c) => {
      client.current()?.get("prices", "moved");
      controller.abort();
      return c.text("nobody is there", 500);
    });
    await ask("/slow", "candidate", { signal: controller.signal });
    expect(counted()).toEqual([]);
  });

  test("not at all where the handler's work was aborted, or its view was reverted before it committed", async () => {
    app.get("/aborted", () => {
      client.current()?.get("prices", "moved");
      throw new DOMException("gave up", "AbortError");
    });
    app.get("/buy", (c) => {
      client.current()?.get("prices", "moved");
      client.revert();
      return client.current()?.commit(() => c.text("bought")) ?? c.text("no view");
    });
    await ask("/aborted", "candidate");
    await ask("/buy", "candidate");
    expect(counted()).toEqual([]);
  });
});

test("a request that took longer than the plan allows counts as slow", async () => {
  client = createTestClient({
    datasets: { prices: { moved: 1 } },
    candidate: { prices: { moved: 2 } },
    percentage: 50,
    guard: { slowMs: 100 },
  });
  const shop = new Hono();
  shop.use(sluiceMiddleware(client, { targetingKey: () => client.targetingKey("prices", "candidate") }));
  shop.get("/:ms/:status", (c) => {
    client.current()?.get("prices", "moved");
    client.advance(Number(c.req.param("ms")));
    return c.text("", c.req.param("status") === "500" ? 500 : 200);
  });
  for (const path of ["/100/200", "/101/200", "/101/500"]) await shop.request(path);
  expect(counted()).toEqual(["candidate ok", "candidate slow", "candidate error"]);
});

test("a request that was given up counts as slow in either arm where it had taken longer than the plan allows, else as nothing", async () => {
  client = createTestClient({
    datasets: { prices: { moved: 1 } },
    candidate: { prices: { moved: 2 } },
    percentage: 50,
    guard: { slowMs: 1_000 },
  });
  const shop = new Hono();
  let gone = new AbortController();
  shop.onError((_, c) => c.text("broken", 500));
  shop.use(sluiceMiddleware(client, { targetingKey: (c) => c.req.header("user") }));
  shop.get("/client-left/:ms", (c) => {
    client.current()?.get("prices", "moved");
    client.advance(Number(c.req.param("ms")));
    gone.abort();
    return c.text("nobody is there", 500);
  });
  shop.get("/limit/:ms", (c) => {
    client.current()?.get("prices", "moved");
    client.advance(Number(c.req.param("ms")));
    throw new DOMException("the handler's own limit", "AbortError");
  });
  for (const arm of arms) {
    for (const path of ["/client-left/900", "/client-left/3000", "/limit/900", "/limit/3000"]) {
      gone = new AbortController();
      const headers = { user: client.targetingKey("prices", arm) };
      await shop.request(path, { headers, signal: gone.signal });
    }
  }
  expect(counted()).toEqual(["candidate slow", "candidate slow", "control slow", "control slow"]);
});
