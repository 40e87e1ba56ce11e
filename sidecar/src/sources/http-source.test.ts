import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import {
  type Items,
  itemsNumbered,
  itemsOf,
  ndjsonOf,
  originWith,
  type SampleOrigin,
} from "../publish/sample-origin.ts";
import { answerMsMax, backoffMsMax, standstillMsMax } from "./http-source.ts";
import { createSampleSources, intervalMs, type SampleSources } from "./sample-sources.ts";

const url = "https://upstream.test/prices";
const good = itemsNumbered(20, (index) => ({ price: index + 1 }));

/** What the upstream does, and what it was asked. */
interface Upstream {
  answer: (request: Request) => Response | Promise<Response>;
  readonly requests: Request[];
}

const upstream: Upstream = { answer: () => HttpResponse.error(), requests: [] };
const server = setupServer(
  http.get("https://upstream.test/*", ({ request }) => {
    upstream.requests.push(request);
    return upstream.answer(request);
  }),
);

let origin: SampleOrigin;
let sample: SampleSources;

beforeAll(() => server.listen({ onUnhandledFrame: "error" }));
afterAll(() => server.close());

beforeEach(async () => {
  upstream.requests.length = 0;
  origin = await originWith();
  sample = createSampleSources(origin, { fetch: (input, init) => fetch(input, init) });
});

afterEach(() => sample.sources.close());

/** Offers items as NDJSON, with an ETag that is honoured. */
function offers(items: Items | string, etag: string | null = '"1"'): void {
  const body = typeof items === "string" ? items : ndjsonOf(items);
  upstream.answer = (request) => {
    if (etag !== null && request.headers.get("if-none-match") === etag) return new HttpResponse(null, { status: 304 });
    return new HttpResponse(body, {
      headers: { "content-type": "application/x-ndjson", ...(etag === null ? {} : { etag }) },
    });
  };
}

test("what the upstream offers first goes live, and its status says since when", async () => {
  offers(good);
  expect(await sample.add(url)).toMatchObject({ state: "ok", lastSuccessAt: origin.clock.wall(), url, onNew: "hold" });
  expect(itemsOf(origin.lines().stable)).toEqual(good);
  expect(origin.state().datasets["prices"]?.stable).toMatchObject({
    publishedBy: { kind: "source", name: "main" },
    origin: { source: "main" },
  });
});

test("a later version is held or started, as the source says", async () => {
  offers(good);
  await sample.add(url, "release");
  offers({ ...good, "sku-1": 5 }, '"2"');
  await sample.turn();
  expect(origin.state().datasets["prices"]).toMatchObject({ candidate: { number: 2 }, release: expect.any(String) });
});

test("it asks again after its interval with the ETag and time that it was given, and 304 makes no version", async () => {
  const lastModified = "Wed, 11 Nov 2026 00:00:00 GMT";
  offers(good);
  const { answer } = upstream;
  upstream.answer = async (request) => {
    const response = await answer(request);
    response.headers.set("last-modified", lastModified);
    return response;
  };
  await sample.add(url);
  expect(sample.pauses).toEqual([intervalMs]);
  const { sequence } = origin.state();
  const status = await sample.turn(() => origin.clock.advance(intervalMs));
  expect(upstream.requests[1]?.headers.get("if-none-match")).toBe('"1"');
  expect(upstream.requests[1]?.headers.get("if-modified-since")).toBe(lastModified);
  expect(status).toMatchObject({ state: "ok", lastSuccessAt: origin.clock.wall() });
  expect(origin.state().sequence).toBe(sequence);
});

test("the same bytes without an ETag make no version, not even over a line that was patched", async () => {
  offers(good, null);
  await sample.add(url);
  await origin.patch({ key: "sku-1", value: 77 });
  const { sequence } = origin.state();
  expect(await sample.turn()).toMatchObject({ state: "ok" });
  expect(upstream.requests[1]?.headers.get("if-none-match")).toBeNull();
  expect(origin.state().sequence).toBe(sequence);
});

test("a process that starts again asks only for what is new", async () => {
  offers(good);
  await sample.add(url);
  await sample.sources.close();
  sample = createSampleSources(origin, { fetch: (input, init) => fetch(input, init) });
  await sample.turn(() => undefined);
  expect(upstream.requests[1]?.headers.get("if-none-match")).toBe('"1"');
  expect(sample.status()).toMatchObject({ state: "ok" });
});

test("an object of key to value is read by its content type", async () => {
  upstream.answer = () => HttpResponse.json(good);
  await sample.add(url);
  expect(itemsOf(origin.lines().stable)).toEqual(good);
});

test.each([
  ["application/octet-stream", ".ndjson", "ok"],
  ["binary/octet-stream", ".jsonl?night=1", "ok"],
  [null, ".ndjson", "ok"],
  [null, ".json", "ok"],
  ["application/octet-stream", "", "refused"],
  [null, ".csv", "refused"],
  ["text/html", ".ndjson", "refused"],
] as const)(
  "a body of type %s at …%s is %s: the URL's ending counts where the server has no type",
  async (type, ending, state) => {
    const text = ending === ".json" ? JSON.stringify(good) : ndjsonOf(good);
    upstream.answer = () =>
      new HttpResponse(new TextEncoder().encode(text), { headers: type === null ? {} : { "content-type": type } });
    expect(await sample.add(`${url}${ending}`)).toMatchObject({ state });
    expect(origin.state().datasets["prices"]?.stable?.items).toBe(state === "ok" ? 20 : undefined);
  },
);

test("another content type is refused with what was expected, and the last good version stands", async () => {
  offers(good);
  await sample.add(url);
  upstream.answer = () => HttpResponse.html("<h1>Log in</h1>");
  expect(await sample.turn()).toMatchObject({
    state: "refused",
    message: `expected application/x-ndjson (a line an item) or application/json (one object) from ${url}, came text/html`,
  });
  expect(origin.state().datasets["prices"]).toMatchObject({ lastNumber: 1 });
});

test.each([
  ["malformed", '{"key":"a","value":1}\nnonsense\n', "INVALID_JSON"],
  ["truncated", '{"key":"a","value":1}\n{"key":"b","val', "INVALID_JSON"],
  ["with a key twice", '{"key":"a","value":1}\n{"key":"a","value":2}\n', "DUPLICATE_KEY"],
  ["with a key past the limit", `{"key":"${"k".repeat(513)}","value":1}\n`, "LIMIT_EXCEEDED"],
  ["empty", "", "INVALID_ITEM"],
])("a file that is %s is refused once in the log, however often it is offered", async (_, text, code) => {
  offers(good);
  await sample.add(url);
  offers(text, null);
  const first = await sample.turn();
  expect(first.state).toBe("refused");
  expect(origin.state().datasets["prices"]?.lastRefusal).toMatchObject({ code, by: { kind: "source", name: "main" } });
  const { sequence } = origin.state();
  const second = await sample.turn();
  expect(second).toMatchObject({ state: "refused", message: `${first.message} (offered 2 times)` });
  expect(origin.state()).toMatchObject({ sequence });
  offers({ ...good, "sku-1": 5 }, '"3"');
  expect(await sample.turn()).toMatchObject({ state: "ok" });
  expect(origin.state().datasets["prices"]?.candidate).not.toBeNull();
});

test("failures are told with the reason, and each doubles the pause, up to five minutes", async () => {
  upstream.answer = () => new HttpResponse(null, { status: 503 });
  expect(await sample.add(url)).toMatchObject({
    state: "failing",
    message: `expected 200 from ${url}, came 503 Service Unavailable`,
    lastSuccessAt: null,
  });
  upstream.answer = () => HttpResponse.error();
  for (let failures = 1; failures < 6; failures++) {
    const last = sample.pauses.at(-1) ?? 0;
    expect(await sample.turn(() => origin.clock.advance(last))).toMatchObject({ state: "failing" });
  }
  expect(sample.pauses).toEqual([20_000, 40_000, 80_000, 160_000, backoffMsMax, backoffMsMax]);
  offers(good);
  await sample.turn(() => origin.clock.advance(backoffMsMax));
  expect(sample.pauses.at(-1)).toBe(intervalMs);
  expect(sample.status()).toMatchObject({ state: "ok" });
});

test.each([
  ["of a known length", { "content-length": "1000" }],
  ["in chunks", { "transfer-encoding": "chunked" }],
])("a body %s that breaks off is a failure and not a refusal, and is asked for again", async (_, headers) => {
  // A real socket: what is torn in the middle of a body cannot be played.
  let torn = true;
  const loopback = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/x-ndjson", ...(torn ? headers : {}) });
    if (torn) response.write('{"key":"a","value":1}\n', () => response.destroy());
    else response.end(ndjsonOf(good));
  });
  await new Promise<void>((listening) => loopback.listen(0, "127.0.0.1", listening));
  server.close();
  const { port } = loopback.address() as AddressInfo;
  expect(await sample.add(`http://127.0.0.1:${port}/`)).toMatchObject({
    state: "failing",
    message: expect.stringContaining("nothing was kept"),
  });
  expect(origin.state().datasets["prices"]).toMatchObject({ lastNumber: 0, lastRefusal: null });
  torn = false;
  expect(await sample.turn()).toMatchObject({ state: "ok" });
  loopback.closeAllConnections();
  loopback.close();
  server.listen({ onUnhandledFrame: "error" });
});

test("an upstream that does not answer is given up", async () => {
  upstream.answer = () => new Promise<Response>(() => {});
  const added = sample.add(url);
  await sample.timer(answerMsMax);
  origin.clock.advance(answerMsMax);
  expect(await added).toMatchObject({ state: "failing", message: `the answer of ${url} took more than 15 s` });
});

test("a body that stands still is given up", async () => {
  upstream.answer = () => {
    const body = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from("{")) });
    return new HttpResponse(body, { headers: { "content-type": "application/x-ndjson" } });
  };
  const added = sample.add(url);
  await sample.timer(standstillMsMax);
  await sample.timer(standstillMsMax);
  origin.clock.advance(standstillMsMax);
  expect(await added).toMatchObject({ state: "failing", message: "the next piece of the body took more than 30 s" });
});

test("a redirect within the origin is followed, one elsewhere is not", async () => {
  offers(good);
  const { answer } = upstream;
  upstream.answer = (request) =>
    request.url === url
      ? new HttpResponse(null, { status: 302, headers: { location: "/v2/prices" } })
      : answer(request);
  expect(await sample.add(url)).toMatchObject({ state: "ok" });
  expect(upstream.requests.map((request) => request.url)).toEqual([url, "https://upstream.test/v2/prices"]);
  upstream.answer = () =>
    new HttpResponse(null, { status: 302, headers: { location: "http://169.254.169.254/secrets" } });
  expect(await sample.turn()).toMatchObject({
    state: "failing",
    message: `${url} redirects to another origin (http://169.254.169.254); add that as the source's URL`,
  });
  upstream.answer = () => new HttpResponse(null, { status: 302, headers: { location: url } });
  expect(await sample.turn()).toMatchObject({ message: `${url} redirects more than 5 times` });
});

test("closing ends a request that is on its way, and nothing is asked any more", async () => {
  upstream.answer = () => new Promise<Response>(() => {});
  const added = origin.give({
    type: "add-source",
    dataset: "prices",
    source: { id: "main", url, intervalMs, onNew: "hold" },
  });
  await sample.timer(answerMsMax);
  await added;
  await sample.sources.close();
  expect(sample.pauses).toEqual([]);
});

test("the status can be asked without the upstream being asked", async () => {
  offers(good);
  await sample.add(url);
  const { length } = upstream.requests;
  for (let times = 0; times < 100; times++) sample.status();
  expect(upstream.requests).toHaveLength(length);
});
