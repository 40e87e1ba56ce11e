import type { DatasetStatus, QueryStatus } from "@sluice/core/api";
import { pass, settle } from "@sluice/replica/testing";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createTestOrigin, type TestOrigin } from "../origin.testing.ts";
import { createMemoryDisk } from "../store/memory-store.ts";
import { changed, items, logOf, prices, send } from "./alerts.testing.ts";
import { answerBytesMax } from "./prometheus.ts";
import { unansweredMsMax } from "./queries.ts";

const url = "http://prometheus.example:9090/prom";
const quiet = { status: "success", data: { resultType: "vector", result: [] } };
const fires = {
  status: "success",
  data: { resultType: "vector", result: [{ metric: { release: "r" }, value: [1_700_000_000, "0.25"] }] },
};

/** What Prometheus says, and what it was asked. */
let answer: () => Response | Promise<Response> = () => HttpResponse.json(quiet);
let asked: { query: string | null; authorization: string | null }[] = [];

const server = setupServer(
  http.post(`${url}/api/v1/query`, async ({ request }) => {
    const form = new URLSearchParams(await request.text());
    asked.push({ query: form.get("query"), authorization: request.headers.get("authorization") });
    return answer();
  }),
);

beforeAll(() => server.listen({ onUnhandledFrame: "error" }));
afterAll(() => server.close());
beforeEach(() => {
  answer = () => HttpResponse.json(quiet);
  asked = [];
});
afterEach(() => server.resetHandlers());

const rule = { name: "errors", expression: 'rate(errors{release="{{release}}"}[5s]) > 0.1' };

async function running(query: object = {}, options: Parameters<typeof createTestOrigin>[0] = {}): Promise<TestOrigin> {
  const origin = await createTestOrigin({
    items,
    plan: { steps: [{ thousandths: 5_000, holdMs: 600_000 }], queries: [{ ...rule, ...query }] },
    fetch: globalThis.fetch,
    prometheus: { url },
    ...options,
  });
  await origin.publish("prices", changed, "?release=true");
  await settle();
  return origin;
}

/** Lets the next question be asked and answered, `times` times. */
async function round(origin: TestOrigin, times = 1): Promise<void> {
  for (let again = 0; again < times; again++) await pass(origin.clock, 5_000);
}

async function queryOf(origin: TestOrigin): Promise<QueryStatus | undefined> {
  return (await prices(origin)).release?.queries?.[0];
}

async function holdOf(origin: TestOrigin): Promise<NonNullable<DatasetStatus["release"]>["hold"]> {
  const { release } = await prices(origin);
  expect(release).not.toBeNull();
  return release?.hold ?? null;
}

test("a query is asked from the start of a release to its end, with the release's own values in it", async () => {
  const origin = await running({
    expression: 'x{release="{{release}}", d="{{ dataset }}", v="{{version}}", s="{{stable}}"}',
  });
  const { id = "" } = (await prices(origin)).release ?? {};
  expect(asked).toEqual([{ query: `x{release="${id}", d="prices", v="2", s="1"}`, authorization: null }]);
  await round(origin, 2);
  expect(asked).toHaveLength(3);
  await origin.post("/v1/datasets/prices/revert", {});
  await round(origin, 2);
  expect(asked).toHaveLength(3);
});

test("a vector that is not empty reverts at once, and says what it was", async () => {
  answer = () => HttpResponse.json(fires);
  const origin = await running();
  expect((await prices(origin)).lastRevert).toMatchObject({
    by: { kind: "alert", name: "query errors" },
    cause: { reason: 'query errors fires: {release="r"} 0.25' },
  });
});

test.each([
  ["1", false],
  ["0", true],
  ["NaN", true],
  ["-0.5", false],
])("a scalar fires where it is a number other than 0: %s", async (value, runsOn) => {
  answer = () => HttpResponse.json({ status: "success", data: { resultType: "scalar", result: [1, value] } });
  const origin = await running();
  expect((await prices(origin)).release !== null).toBe(runsOn);
});

test("it has to fire without a break for as long as its rule says", async () => {
  const origin = await running({ forMs: 10_000 });
  answer = () => HttpResponse.json(fires);
  await round(origin, 2);
  expect(await queryOf(origin)).toMatchObject({ state: "pending", forMs: 5_000 });
  answer = () => HttpResponse.json(quiet);
  await round(origin);
  expect(await queryOf(origin)).toMatchObject({ state: "quiet" });
  answer = () => HttpResponse.json(fires);
  await round(origin, 2);
  expect((await prices(origin)).release).not.toBeNull();
  await round(origin);
  expect((await prices(origin)).release).toBeNull();
});

test("one that holds lets go when it does not fire any more", async () => {
  const origin = await running({ action: "hold" });
  answer = () => HttpResponse.json(fires);
  await round(origin, 3);
  expect((await holdOf(origin))?.by).toEqual({ kind: "alert", name: "query errors" });
  expect((await prices(origin)).health.reasons.join()).toContain("query errors of prices fires");
  answer = () => HttpResponse.json(quiet);
  await round(origin);
  expect(await holdOf(origin)).toBeNull();
  expect(await logOf(origin, "release-held")).toHaveLength(1);
});

test("a person who lets go is not overruled by the same query, firing on", async () => {
  const origin = await running({ action: "hold" });
  answer = () => HttpResponse.json(fires);
  await round(origin);
  const { id = "" } = (await prices(origin)).release ?? {};
  await origin.post(`/v1/releases/${id}/resume`, {});
  await round(origin, 3);
  expect(await holdOf(origin)).toBeNull();
});

test("the end of a query leaves the hold to an alert that fires on", async () => {
  const origin = await running({ action: "hold" }, {});
  answer = () => HttpResponse.json(fires);
  await round(origin);
  await origin.post("/v1/alerts", { name: "probe", dataset: "prices", action: "hold" });
  answer = () => HttpResponse.json(quiet);
  await round(origin);
  expect((await holdOf(origin))?.by.name).toMatch(/^probe /);
});

test("a hold is let go over a restart of the origin", async () => {
  const disk = createMemoryDisk();
  const first = await running({ action: "hold" }, { store: { id: "log-1", disk } });
  answer = () => HttpResponse.json(fires);
  await round(first);
  await first.origin.close();
  answer = () => HttpResponse.json(quiet);
  const { clock } = first;
  const second = await createTestOrigin({ store: { id: "log-1", disk }, clock, fetch, prometheus: { url } });
  await settle();
  expect(await holdOf(second)).toBeNull();
});

test("nobody answers: it is said at once, holds after a minute, and lets go with the next answer", async () => {
  const origin = await running();
  answer = () => HttpResponse.error();
  await round(origin, 8);
  expect((await prices(origin)).health.reasons.join()).toMatch(/query errors of prices: unanswered for 40 s: \S+/);
  expect(await holdOf(origin)).toBeNull();
  await round(origin, unansweredMsMax / 5_000 - 8);
  expect(await holdOf(origin)).toMatchObject({
    by: { kind: "alert", name: "query errors unanswered" },
    cause: { reason: expect.stringContaining("query errors is unanswered for 60 s") },
  });
  answer = () => HttpResponse.json(quiet);
  await round(origin);
  expect(await holdOf(origin)).toBeNull();
});

test("a rule may say that it does not matter whether anybody answers", async () => {
  const origin = await running({ unanswered: "ignore" });
  answer = () => HttpResponse.error();
  await round(origin, 20);
  expect(await holdOf(origin)).toBeNull();
  expect((await queryOf(origin))?.state).toBe("unanswered");
});

test.each([
  ["an error of Prometheus", { status: "error", errorType: "bad_data", error: "parse error" }, "bad_data: parse error"],
  ["a matrix", { status: "success", data: { resultType: "matrix", result: [] } }, "gives a matrix"],
  ["a page of somebody else", "<h1>login</h1>", "status 200, and nothing that a Prometheus says"],
  ["more than it may be", "x".repeat(answerBytesMax + 1), "aggregate the expression"],
])("%s is no answer, and the release stays", async (_what, body, reason) => {
  answer = () => (typeof body === "string" ? new HttpResponse(body) : HttpResponse.json(body, { status: 400 }));
  const origin = await running();
  if (typeof body === "string") answer = () => new HttpResponse(body);
  expect(await queryOf(origin)).toMatchObject({ state: "unanswered", message: expect.stringContaining(reason) });
});

test("a Prometheus that does not answer in time is given up, and is asked one question at a time until then", async () => {
  const hangs = Promise.withResolvers<Response>();
  const origin = await running({}, { prometheus: { url, intervalMs: 1_000 } });
  answer = () => hangs.promise;
  await pass(origin.clock, 5_000);
  expect(asked).toHaveLength(2);
  await pass(origin.clock, 1_000);
  expect(await queryOf(origin)).toMatchObject({ state: "unanswered", message: "no answer within 5 s" });
  hangs.resolve(HttpResponse.json(quiet));
});

test("a redirect is not followed: the token is for the Prometheus that was named", async () => {
  answer = () => new HttpResponse(null, { status: 307, headers: { location: "http://elsewhere.example/" } });
  const token = { read: () => Promise.resolve(["prom-token"]) };
  const origin = await running({}, { prometheus: { url, token } });
  expect(asked).toEqual([expect.objectContaining({ authorization: "Bearer prom-token" })]);
  expect((await queryOf(origin))?.state).toBe("unanswered");
});

test("a plan with a query is refused where nobody is there to be asked, and where it leaves a hole that nothing fills", async () => {
  const without = await createTestOrigin({ items });
  const body = { name: "stock", plan: { queries: [rule] } };
  const refused = await without.post("/v1/datasets", body);
  expect(refused.status).toBe(400);
  expect(await refused.text()).toContain("start it with sluice serve --prometheus URL");
  const origin = await createTestOrigin({ fetch, prometheus: { url } });
  expect((await origin.post("/v1/datasets", body)).status).toBe(201);
  const odd = { name: "flags", plan: { queries: [{ ...rule, expression: 'x{r="{{ dataSet }}"}' }] } };
  expect(await (await origin.post("/v1/datasets", odd)).text()).toContain("{{ dataSet }} stands for nothing");
});

test("a stored plan with a query, on an origin without a Prometheus, is said in status and holds in the end", async () => {
  const disk = createMemoryDisk();
  const first = await running({}, { store: { id: "log-1", disk } });
  await first.origin.close();
  const second = await createTestOrigin({ store: { id: "log-1", disk }, clock: first.clock });
  await settle();
  expect((await prices(second)).health.reasons.join()).toContain("--prometheus URL");
  await round(second, 13);
  expect((await holdOf(second))?.by.name).toBe("query errors unanswered");
});

test("queries and webhooks do not stand in each other's way", async () => {
  const origin = await running({ action: "hold" });
  answer = () => HttpResponse.json(fires);
  await round(origin);
  await send(origin, [{ alertname: "Errors", sluice_dataset: "prices" }]);
  expect((await prices(origin)).lastRevert?.by.name).toBe("Errors");
  await round(origin, 2);
  expect(asked).toHaveLength(2);
});

test("a bake that was begun while a query is not answered is said not to be watched by it", async () => {
  const origin = await running();
  answer = () => HttpResponse.error();
  await round(origin, 8);
  const { id = "" } = (await prices(origin)).release ?? {};
  expect((await prices(origin)).health.reasons.join()).not.toContain("is not watched");
  await origin.post(`/v1/releases/${id}/promote`, {});
  await round(origin);
  expect((await prices(origin)).health.reasons.join()).toMatch(
    /the bake is not watched by query errors of prices: unanswered for \d+ s/,
  );
});
