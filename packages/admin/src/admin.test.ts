import { createVirtualClock } from "@sluice/core";
import { routes, type StatusAnswer } from "@sluice/core/api";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Admin, createAdmin } from "./admin.ts";

const url = "http://127.0.0.1:7070";
const clock = createVirtualClock();
const status: StatusAnswer = {
  instance: "origin-1",
  role: "origin",
  log: "log-1",
  sequence: 7,
  at: clock.wall(),
  following: null,
  datasets: [],
  followers: { total: 0, list: [] },
};
const done = { outcome: "done", message: "done", sequence: 8, release: "prices-v4-abc123", receipt: null };

interface Seen {
  method: string;
  path: string;
  headers: Headers;
  body: unknown;
}

/** A client whose requests are answered by a function, and what it asked. */
function adminOver(answer: (seen: Seen) => Response | Promise<Response>): { admin: Admin; seen: Seen[] } {
  const seen: Seen[] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    const { pathname, search } = new URL(request.url);
    const text = await request.text();
    const one = {
      method: request.method,
      path: pathname + search,
      headers: request.headers,
      body: text === "" ? undefined : JSON.parse(text),
    };
    seen.push(one);
    return answer(one);
  };
  let keys = 0;
  return { admin: createAdmin({ url, fetch, clock, actor: "li.wei", newKey: () => `key-${++keys}` }), seen };
}

const problem = (code: string, detail: string, details: object, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify({ type: `urn:sluice:${code}`, title: code, status: 409, code, detail, details }), {
    status: 409,
    headers: { "content-type": "application/problem+json", ...headers },
  });

test("every route of the table has a method", () => {
  const { admin } = adminOver(() => Response.json(done));
  expect(Object.keys(routes).filter((name) => !(name in admin))).toEqual([]);
});

test("a command goes to its route with its body, its actor and a key of its own", async () => {
  const { admin, seen } = adminOver(() => Response.json(done));
  await admin.setPercentage("prices-v4-abc123", { thousandths: 2007, epoch: 3 });
  await admin.removeSource("prices", "main");
  expect(seen.map(({ method, path, body }) => ({ method, path, body }))).toEqual([
    { method: "POST", path: "/v1/releases/prices-v4-abc123/percentage", body: { thousandths: 2007, epoch: 3 } },
    { method: "DELETE", path: "/v1/datasets/prices/sources/main", body: undefined },
  ]);
  expect(seen.map(({ headers }) => [headers.get("sluice-actor"), headers.get("idempotency-key")])).toEqual([
    ["li.wei", "key-1"],
    ["li.wei", "key-2"],
  ]);
});

test("a guard is turned off with a time and a reason, and a release takes a plan by name", async () => {
  const { admin, seen } = adminOver(() => Response.json(done));
  await admin.guardOff("prices-v4-abc123", { forMs: 600_000, reason: "the payment provider is down" });
  await admin.guardOn("prices-v4-abc123");
  await admin.startRelease("prices", { plan: "careful" });
  await admin.startRelease("prices", { plan: { preset: "linear-20-every-6m", bakeMs: 0 } });
  expect(seen.map(({ path, body }) => ({ path, body }))).toEqual([
    {
      path: "/v1/releases/prices-v4-abc123/guard-off",
      body: { forMs: 600_000, reason: "the payment provider is down" },
    },
    { path: "/v1/releases/prices-v4-abc123/guard-on", body: {} },
    { path: "/v1/datasets/prices/release", body: { plan: "careful" } },
    { path: "/v1/datasets/prices/release", body: { plan: { preset: "linear-20-every-6m", bakeMs: 0 } } },
  ]);
});

test("a key that a URL would take for a place in its path is read all the same, and so is one called __proto__", async () => {
  const text = '{"dataset":"prices","items":{"..":{"price":1},"__proto__":2},"version":4,"arm":null,"release":null}';
  const { admin, seen } = adminOver(() => new Response(text, { headers: { "content-type": "application/json" } }));
  expect(await admin.read("prices", "..", { as: "anna" })).toEqual({
    dataset: "prices",
    key: "..",
    value: { price: 1 },
    version: 4,
    arm: null,
    release: null,
  });
  expect(seen[0]).toMatchObject({ path: "/v1/datasets/prices/items", body: { keys: [".."], as: "anna" } });
  await expect(admin.read("prices", ".")).rejects.toMatchObject({ code: "KEY_UNKNOWN" });
  const { items } = await admin.readMany("prices", { keys: ["__proto__"] });
  expect(Object.entries(items)).toContainEqual(["__proto__", 2]);
});

test("a key and a user with signs of their own arrive whole", async () => {
  const answer = { dataset: "prices", key: "a/b ?ü", value: 1, version: 4, arm: "control", release: null };
  const { admin, seen } = adminOver(() => Response.json(answer));
  expect(await admin.read("prices", "a/b ?ü", { as: "user&1" })).toEqual(answer);
  expect(seen[0]?.path).toBe("/v1/datasets/prices/items/a%2Fb%20%3F%C3%BC?as=user%261");
});

test("a Chinese name is recorded, although a header cannot hold it", async () => {
  let actor = "";
  const fetch: typeof globalThis.fetch = async (input, init) => {
    actor = new Request(input, init).headers.get("sluice-actor") ?? "";
    return Response.json(status);
  };
  await createAdmin({ url, fetch, clock, actor: "李伟 100%" }).status();
  expect(decodeURIComponent(actor)).toBe("李伟 100%");
});

test("an instance may live under a path", async () => {
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = async (input) => {
    asked.push(new Request(input).url);
    return Response.json(status);
  };
  await createAdmin({ url: "https://ops.example/sluice/", fetch, clock }).status();
  expect(asked).toEqual(["https://ops.example/sluice/v1/status"]);
});

test("what is no URL of an instance is refused before anything is sent", () => {
  const fetch = globalThis.fetch;
  for (const wrong of ["127.0.0.1:7070", "ftp://host", ""]) {
    expect(() => createAdmin({ url: wrong, fetch, clock })).toThrowError(/expected an http: or https: URL/);
  }
});

test("a refusal comes with the instance's code, message and details", async () => {
  const { admin } = adminOver(() =>
    problem("CONFLICT", "the percentage changed meanwhile", { epoch: 4 }, { "retry-after": "2" }),
  );
  await expect(admin.setPercentage("r", { thousandths: 1, epoch: 3 })).rejects.toMatchObject({
    code: "CONFLICT",
    message: "the percentage changed meanwhile",
    details: { epoch: 4, retryAfter: "2" },
  });
});

test("an answer that no instance gives says that the URL is wrong", async () => {
  const { admin } = adminOver(() => new Response("<h1>nginx</h1>", { status: 502 }));
  await expect(admin.status()).rejects.toMatchObject({ code: "PROTOCOL", details: { status: 502 } });
  await expect(admin.status()).rejects.toThrowError(`${url}/v1/status was answered with status 502`);
});

test("an answer of another shape is refused with the place", async () => {
  const { admin } = adminOver(() => Response.json({ ...status, sequence: -1 }));
  await expect(admin.status()).rejects.toThrowError(/GET \/v1\/status .*sequence/);
  const { admin: garbled } = adminOver(() => new Response("{"));
  await expect(garbled.status()).rejects.toMatchObject({ code: "PROTOCOL" });
});

test("a command whose connection is lost is sent once more under the same key", async () => {
  let calls = 0;
  const { admin, seen } = adminOver(() => {
    calls += 1;
    if (calls === 1) throw new TypeError("fetch failed", { cause: new Error("other side closed") });
    return Response.json(done);
  });
  expect(await admin.revertDataset("prices", { reason: "wrong" })).toEqual(done);
  expect(seen.map(({ headers }) => headers.get("idempotency-key"))).toEqual(["key-1", "key-1"]);
});

test("no connection is UNREACHABLE with the URL and what to do", async () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:7070"), { code: "ECONNREFUSED" });
  const { admin, seen } = adminOver(() => {
    throw new TypeError("fetch failed", { cause: refused });
  });
  await expect(admin.promote("r")).rejects.toMatchObject({
    code: "UNREACHABLE",
    message: `no instance answers at ${url} (connect ECONNREFUSED 127.0.0.1:7070): is \`sluice serve\` running? SLUICE_URL names the instance`,
  });
  expect(seen).toHaveLength(2);
});

test("a command that may have been carried out says so", async () => {
  const { admin } = adminOver(() => {
    throw new TypeError("fetch failed", { cause: new Error("other side closed") });
  });
  await expect(admin.promote("r")).rejects.toThrowError(/whether it was carried out is not known/);
  await expect(admin.status()).rejects.not.toThrowError(/carried out/);
});

test("an answer that takes too long is TIMEOUT and is not asked for again", async () => {
  const virtual = createVirtualClock();
  let calls = 0;
  const fetch: typeof globalThis.fetch = (_input, init) => {
    calls += 1;
    return new Promise((_resolve, reject) => {
      init?.signal?.addEventListener("abort", () => reject(new Error("aborted")));
    });
  };
  const admin = createAdmin({ url, fetch, clock: virtual, timeoutMs: 5_000 });
  const refusal = admin.status().catch((error: unknown) => error);
  virtual.advance(5_000);
  expect(await refusal).toMatchObject({ code: "TIMEOUT", message: `no answer from ${url} within 5 s` });
  expect(calls).toBe(1);
});

test("the log is a page of events, from a position or the newest", async () => {
  const events = [
    { sequence: 4, at: 1, by: { kind: "person", name: "li.wei" }, event: { type: "release-completed", release: "r" } },
    { sequence: 9, at: 2, by: { kind: "plan", name: "r" }, event: { type: "release-completed", release: "s" } },
  ];
  const { admin, seen } = adminOver(() => new Response(events.map((event) => `${JSON.stringify(event)}\n`).join("")));
  expect(await admin.log()).toEqual(events);
  await admin.log({ after: 3, dataset: "prices", limit: 10 });
  expect(seen.map(({ path }) => path)).toEqual(["/v1/log", "/v1/log?from=3&dataset=prices&limit=10"]);
});

test("what patches did is a page of minutes", async () => {
  const minute = {
    dataset: "stock",
    patches: 6_000,
    keysSet: 60_000,
    keysRemoved: 2,
    firstSequence: 40,
    lastSequence: 6_045,
    firstNumber: 31,
    lastNumber: 6_030,
    firstAt: 60_000,
    lastAt: 119_990,
  };
  const { admin, seen } = adminOver(() => new Response(`${JSON.stringify(minute)}\n`));
  expect(await admin.patchMinutes({ dataset: "stock", after: 39, limit: 5 })).toEqual([minute]);
  expect(seen.map(({ path }) => path)).toEqual(["/v1/log?shelf=patches&from=39&dataset=stock&limit=5"]);
});

const origin = setupServer();
beforeAll(() => origin.listen({ onUnhandledFrame: "error" }));
afterEach(() => origin.resetHandlers());
afterAll(() => origin.close());

test("the global fetch does for a client", async () => {
  origin.use(http.get(`${url}/v1/status`, () => HttpResponse.json(status)));
  expect(await createAdmin({ url, fetch: globalThis.fetch, clock }).status()).toEqual(status);
  origin.use(http.get(`${url}/v1/status`, () => HttpResponse.error()));
  await expect(createAdmin({ url, fetch: globalThis.fetch, clock }).status()).rejects.toMatchObject({
    code: "UNREACHABLE",
  });
});
