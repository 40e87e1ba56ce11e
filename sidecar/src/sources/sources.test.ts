import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import {
  createSampleOrigin,
  type Items,
  itemsNumbered,
  itemsOf,
  ndjsonOf,
  originWith,
  release,
  type SampleOrigin,
} from "../publish/sample-origin.ts";
import { createSampleSources, intervalMs, type SampleSources } from "./sample-sources.ts";

const url = "https://upstream.test/prices";
const good = itemsNumbered(20, (index) => ({ price: index + 1 }));
const bad = { ...good, "sku-1": { price: 0.01 }, "sku-2": { price: 0.01 } };

let offered: Items = good;
let requests = 0;
/** An upstream that takes no ETag, so that it sends everything each time. */
const server = setupServer(
  http.get(url, () => {
    requests++;
    return new HttpResponse(ndjsonOf(offered), { headers: { "content-type": "application/x-ndjson" } });
  }),
);

let origin: SampleOrigin;
let sample: SampleSources;

beforeAll(() => server.listen({ onUnhandledFrame: "error" }));
afterAll(() => server.close());

beforeEach(async () => {
  offered = good;
  requests = 0;
  origin = await originWith();
  sample = createSampleSources(origin, { fetch: (input, init) => fetch(input, init) });
});

afterEach(() => sample.sources.close());

function prices(): NonNullable<ReturnType<typeof origin.state>["datasets"][string]> {
  const dataset = origin.state().datasets["prices"];
  if (dataset === undefined) throw new Error("there is no dataset");
  return dataset;
}

/** Ends what runs as released to everybody. */
async function finish(): Promise<void> {
  const promote = { type: "promote", release: prices().release ?? "", epoch: null } as const;
  await origin.give(promote);
  await origin.give(promote);
}

test("sources start with the log's state, come and go with its events, and leave nothing behind", async () => {
  await sample.add(url);
  await sample.sources.close();
  sample = createSampleSources(origin, { fetch: (input, init) => fetch(input, init) });
  await sample.turn(() => undefined);
  expect(sample.sources.status("prices").map(({ id }) => id)).toEqual(["main"]);
  await origin.give({ type: "remove-source", dataset: "prices", source: "main" });
  expect(sample.sources.status("prices")).toEqual([]);
  // One under the same id begins anew: without a cursor its bytes are known by the stable line alone.
  expect(await sample.add(url)).toMatchObject({ state: "ok" });
  expect(prices().lastNumber).toBe(1);
});

test("a new version during a release is parked, the newest alone, and pulled when the release ends", async () => {
  await sample.add(url, "release");
  offered = { ...good, "sku-1": { price: 7 } };
  await sample.turn();
  expect(prices().release).not.toBeNull();
  const { sequence } = origin.state();

  offered = { ...good, "sku-1": { price: 8 } };
  expect(await sample.turn()).toMatchObject({
    state: "parked",
    message: "a new version waits until the release of v2 ends",
  });
  offered = { ...good, "sku-1": { price: 9 } };
  expect(await sample.turn()).toMatchObject({ state: "parked" });
  expect(origin.state().sequence).toBe(sequence);

  await sample.turn(finish);
  expect(itemsOf(origin.lines().stable)).toMatchObject({ "sku-1": { price: 7 } });
  expect(itemsOf(origin.lines().candidate)).toMatchObject({ "sku-1": { price: 9 } });
  expect(sample.status()).toMatchObject({ state: "ok" });
});

test("what was parked while a release ran is held after its revert, with the reason, until a person starts it; then the source releases again", async () => {
  await sample.add(url, "release");
  offered = { ...good, "sku-1": { price: 7 } };
  await sample.turn();
  offered = { ...good, "sku-2": { price: 8 } };
  expect(await sample.turn()).toMatchObject({ state: "parked" });

  let said: string | null = null;
  const held = await sample.turn(async () => {
    await origin.revert();
    said = sample.sources.waiting("prices");
  });
  const start = "starts only when a person says so: sluice release start prices";
  expect(said).toBe(`what source main brought meanwhile is held and ${start}`);
  expect(prices()).toMatchObject({ release: null, candidate: { publish: 3 } });
  expect(held).toMatchObject({ state: "ok", message: "v3 is held until a person starts it: v2 was reverted" });
  expect(sample.sources.waiting("prices")).toBe(`v3 from source main is held and ${start}`);

  // So is what comes after it, after a restart too, and it is said for as long as that is so.
  await sample.sources.close();
  sample = createSampleSources(origin, { fetch: (input, init) => fetch(input, init) });
  offered = { ...good, "sku-2": { price: 9 } };
  await sample.turn(() => undefined);
  expect(prices()).toMatchObject({ release: null, candidate: { publish: 4 } });
  expect((await sample.turn()).message).toBe("v4 is held until a person starts it: v2 was reverted");

  await origin.give({
    type: "start-release",
    dataset: "prices",
    publish: 4,
    plan: null,
    thousandths: null,
    acceptQuarantined: false,
    draw: { release: "prices-v4-started", salt: "salt" },
  });
  expect(sample.sources.waiting("prices")).toBeNull();
  await sample.turn(finish);
  expect(sample.status()).toMatchObject({ state: "ok", message: null });
  offered = { ...good, "sku-3": { price: 10 } };
  await sample.turn();
  expect(prices()).toMatchObject({ release: expect.any(String), candidate: { publish: 5 } });
});

test("a source that releases says before it brings anything that it will be held, and one that holds says nothing of it", async () => {
  await sample.add(url, "release");
  await origin.publish({ ...good, "sku-3": { price: 5 } }, { request: release });
  const after = await sample.turn(() => origin.revert());
  expect(after).toMatchObject({
    state: "ok",
    message: "what is new is held until a person starts it: v2 was reverted",
  });
  expect(sample.sources.waiting("prices")).toBeNull();

  origin = await originWith();
  await sample.sources.close();
  sample = createSampleSources(origin, { fetch: (input, init) => fetch(input, init) });
  await sample.add(url);
  await origin.publish({ ...good, "sku-3": { price: 5 } }, { request: release });
  expect(await sample.turn(() => origin.revert())).toMatchObject({ state: "ok", message: null });
});

test("what was parked and taken back by its upstream before the release ended is forgotten", async () => {
  await sample.add(url, "release");
  const second = { ...good, "sku-1": { price: 7 } };
  offered = second;
  await sample.turn();
  offered = { ...good, "sku-1": { price: 8 } };
  expect(await sample.turn()).toMatchObject({ state: "parked" });
  offered = second;
  expect(await sample.turn()).toMatchObject({ state: "ok" });
  await sample.turn(finish);
  expect(prices()).toMatchObject({ lastNumber: 2, candidate: null });
});

test("a release that begins while a source publishes parks it", async () => {
  await sample.add(url);
  offered = { ...good, "sku-1": { price: 7 } };
  await sample.sources.close();
  sample = createSampleSources(origin, {
    fetch: (input, init) => fetch(input, init),
    publisher: {
      async offer(upload, seen) {
        await origin.publish({ ...good, "sku-3": { price: 5 } }, { request: release });
        return origin.publisher.offer(upload, seen);
      },
    },
  });
  expect(await sample.turn(() => undefined)).toMatchObject({ state: "parked" });
  expect(prices()).toMatchObject({ lastNumber: 2 });
});

test("what was reverted and is offered still is refused, where the log and the status say it", async () => {
  await sample.add(url, "release");
  offered = bad;
  await sample.turn();
  expect(prices().release).not.toBeNull();

  // The revert makes the source look: the upstream still offers the bad file.
  const first = await sample.turn(() => origin.revert());
  expect(first).toMatchObject({
    state: "refused",
    message: expect.stringContaining("this content is v2 of prices, reverted"),
  });
  expect(prices().lastRefusal).toMatchObject({ code: "QUARANTINED", by: { kind: "source", name: "main" } });
  const { sequence } = origin.state();
  for (let times = 2; times <= 3; times++) {
    expect(await sample.turn()).toMatchObject({
      state: "refused",
      message: `${first.message} (offered ${times} times)`,
    });
  }
  expect(origin.state().sequence).toBe(sequence);
  expect(itemsOf(origin.lines().stable)).toEqual(good);

  // Corrected, it shares a change with what was reverted: held although the source starts what is new.
  offered = { ...bad, "sku-1": { price: 3 } };
  expect(await sample.turn()).toMatchObject({ state: "ok" });
  expect(prices()).toMatchObject({ release: null, candidate: { quarantinedChanges: { count: 1, of: 2, publish: 2 } } });
});

test("a source that was refused for a mark tries again when a person lifts the mark", async () => {
  await sample.add(url, "release");
  offered = bad;
  await sample.turn();
  await sample.turn(() => origin.revert());
  const lift = { type: "lift-quarantine", dataset: "prices", publish: 2, keys: null, reason: "it was right" } as const;
  expect(await sample.turn(() => origin.give(lift))).toMatchObject({ state: "ok" });
  expect(prices().release).not.toBeNull();
});

test("a refusal survives a restart: the same bytes are not published again", async () => {
  await sample.add(url, "release");
  offered = bad;
  await sample.turn();
  await sample.turn(() => origin.revert());
  const { sequence } = origin.state();
  await sample.sources.close();
  sample = createSampleSources(origin, { fetch: (input, init) => fetch(input, init) });
  expect(await sample.turn(() => undefined)).toMatchObject({ state: "refused" });
  expect(origin.state().sequence).toBe(sequence);
});

test("a revert while the source was down is noticed when it is up again", async () => {
  await sample.add(url, "release");
  offered = bad;
  await sample.turn();
  await sample.sources.close();
  await origin.revert();
  sample = createSampleSources(origin, { fetch: (input, init) => fetch(input, init) });
  expect(await sample.turn(() => undefined)).toMatchObject({ state: "refused" });
  expect(prices().lastRefusal).toMatchObject({ code: "QUARANTINED" });
});

test("an immediate dataset shows what its source brings, whatever the source says of releases", async () => {
  origin = createSampleOrigin();
  await origin.createDataset({ policy: "immediate" });
  sample = createSampleSources(origin, { fetch: (input, init) => fetch(input, init) });
  await sample.add(url, "release");
  offered = bad;
  await sample.turn();
  expect(itemsOf(origin.lines().stable)).toEqual(bad);
  expect(prices().release).toBeNull();
});

test("a source that cannot write down how far it has come goes on, and knows the bytes by the lines", async () => {
  const broken = { putDocument: () => Promise.reject(new Error("disk")) };
  await sample.sources.close();
  sample = createSampleSources(origin, {
    fetch: (input, init) => fetch(input, init),
    documents: { ...origin.store.log, ...broken },
  });
  await sample.add(url);
  offered = bad;
  await sample.turn();
  await sample.sources.close();
  const { sequence } = origin.state();
  sample = createSampleSources(origin, { fetch: (input, init) => fetch(input, init) });
  expect(await sample.turn(() => undefined)).toMatchObject({ state: "ok" });
  expect(origin.state().sequence).toBe(sequence);
});

test("a store that is down fails a source, which goes on when it is back", async () => {
  await sample.sources.close();
  let down = true;
  const getDocument: typeof origin.store.log.getDocument = (name) =>
    down ? Promise.reject(new Error("down")) : origin.store.log.getDocument(name);
  sample = createSampleSources(origin, {
    fetch: (input, init) => fetch(input, init),
    documents: { ...origin.store.log, getDocument },
  });
  expect(await sample.add(url)).toMatchObject({ state: "failing", message: "down" });
  down = false;
  expect(await sample.turn(() => origin.clock.advance(2 * intervalMs))).toMatchObject({ state: "ok" });
  expect(requests).toBe(1);
});
