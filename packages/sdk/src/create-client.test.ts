import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVirtualClock, type VirtualClock } from "@sluice/core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import type { Client } from "./client.ts";
import { type ClientOptions, createClient } from "./create-client.ts";
import { createTestOrigin, type TestOrigin } from "./origin.testing.ts";
import type { ItemsOf } from "./schema.ts";

const datasets = { prices: z.object({ amount: z.number() }), stock: null };
type Options = ClientOptions<typeof datasets>;
type Shop = Client<ItemsOf<typeof datasets>>;

let clock: VirtualClock;
let origin: TestOrigin;
let directory: string;
let clients: Shop[];

async function open(options: Partial<Options> = {}): Promise<Shop> {
  const client = await createClient({
    url: "http://127.0.0.1:7070",
    app: "checkout",
    name: "checkout@test",
    datasets,
    fetch: origin.fetch,
    clock,
    random: () => 0.5,
    ...options,
  });
  clients.push(client);
  return client;
}

/** Waits for what takes turns of the event loop and no time. */
const until = (assertion: () => void): Promise<void> => vi.waitFor(assertion, { interval: 1 });

function start(thousandths: number, amount: unknown = 2): string {
  origin.namespace.publish("prices", { a: { amount }, b: { amount: 1 } });
  origin.namespace.command({
    type: "start-release",
    dataset: "prices",
    publish: null,
    plan: null,
    thousandths,
    acceptQuarantined: true,
    draw: { release: "r", salt: "s" },
  });
  return "r";
}

beforeEach(() => {
  clock = createVirtualClock();
  origin = createTestOrigin({ clock });
  directory = mkdtempSync(join(tmpdir(), "sluice-sdk-"));
  clients = [];
  for (const name of Object.keys(datasets)) origin.namespace.createDataset(name);
  origin.namespace.publish("prices", { a: { amount: 1 }, b: { amount: 1 } });
  origin.namespace.publish("stock", { a: 7 });
});

afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  rmSync(directory, { recursive: true });
});

test("a new client reads what the instance has, and hears of what happens there", async () => {
  const client = await open();
  expect([client.view().get("prices", "a"), client.view().get("stock", "a")]).toEqual([{ amount: 1 }, 7]);
  origin.namespace.patch("stock", { a: 6 });
  await until(() => expect(client.view().get("stock", "a")).toBe(6));
  expect(client.status()).toMatchObject({ log: "memory", connection: { phase: "connected" }, leaseHeld: true });
});

test("a release goes out, its outcomes come in, and a revert ends it for new views", async () => {
  const client = await open();
  start(100_000);
  const look = (): number | undefined => client.view({ targetingKey: "user" }).get("prices", "a")?.amount;
  await until(() => expect(look()).toBe(2));
  const view = client.view({ targetingKey: "user" });
  view.run(() => view.get("prices", "a"));
  clock.advance(250);
  await until(() =>
    expect(origin.outcomes.flatMap(({ reports }) => reports)).toMatchObject([{ candidate: { ok: 1 } }]),
  );
  origin.namespace.command({ type: "revert", target: { release: "r" }, cause: { reason: "test", evidence: null } });
  await until(() => expect(view.reverted).toBe(true));
  expect(look()).toBe(1);
});

describe("invariant 2", () => {
  test("a client that is cut off from the canary is on stable after the lease, until contact returns", async () => {
    const client = await open();
    start(99_999);
    const arm = (): string | null => client.view({ targetingKey: "user" }).arm("prices");
    await until(() => expect(arm()).toBe("candidate"));
    origin.setDown(true);
    clock.advance(9_999);
    expect(arm()).toBe("candidate");
    clock.advance(1);
    expect([arm(), client.status().leaseHeld]).toEqual(["control", false]);
    origin.setDown(false);
    await until(() => {
      clock.advance(1_000);
      expect(arm()).toBe("candidate");
    });
  });

  test("the age that a heartbeat carries counts against the lease", async () => {
    const client = await open();
    start(99_999);
    const arm = (): string | null => client.view({ targetingKey: "user" }).arm("prices");
    await until(() => expect(arm()).toBe("candidate"));
    clock.advance(5_000);
    origin.beat(9_000);
    clock.advance(4_999);
    expect(arm()).toBe("candidate");
    clock.advance(1);
    expect(arm()).toBe("control");
  });
});

describe("from disk", () => {
  test("a client starts without the instance and serves stable, candidates only after contact", async () => {
    const first = await open({ cacheDirectory: directory });
    start(99_999);
    await until(() => expect(first.view({ targetingKey: "user" }).arm("prices")).toBe("candidate"));
    await first.close();
    origin.setDown(true);
    const second = await open({ cacheDirectory: directory });
    const look = (): unknown => [second.view({ targetingKey: "user" }).arm("prices"), second.view().get("stock", "a")];
    expect(look()).toEqual(["control", 7]);
    expect(second.status()).toMatchObject({ contactAgeMs: null, leaseHeld: false, isStale: false });
    const told: string[] = [];
    second.on("stale", () => told.push("stale"));
    second.on("connected", ({ url }) => told.push(`connected ${url}`));
    clock.advance(30_500);
    expect([told, second.status().isStale]).toEqual([["stale"], true]);
    origin.setDown(false);
    await until(() => {
      clock.advance(1_000);
      expect(look()).toEqual(["candidate", 7]);
      expect(told).toEqual(["stale", "connected http://127.0.0.1:7070"]);
    });
  });
});

describe("without a first version", () => {
  test("a client waits for the instance to come up", async () => {
    origin.setDown(true);
    const opening = open();
    await until(() => expect(clock.nextInMs()).toBeDefined());
    origin.setDown(false);
    await until(() => {
      clock.advance(500);
      expect(clients).toHaveLength(1);
    });
    expect((await opening).view().get("stock", "a")).toBe(7);
  });

  test("it says what is missing when the time is over, and leaves nothing behind", async () => {
    const empty = createTestOrigin({ clock });
    empty.namespace.createDataset("prices");
    const opening = open({ fetch: empty.fetch, readyTimeoutMs: 3_000 });
    const refused = opening.catch((error: unknown) => error);
    await until(() => expect(empty.streams()).toBe(1));
    clock.advance(3_000);
    expect(await refused).toMatchObject({
      code: "NOT_READY",
      message: expect.stringMatching(/prices \(nothing published\), stock \(not created\)/),
      details: { missing: ["prices", "stock"] },
    });
    expect([empty.streams(), clock.nextInMs()]).toEqual([0, undefined]);
  });

  test("a client that does not wait serves nothing until then", async () => {
    origin.setDown(true);
    const client = await open({ waitForReady: false });
    expect(() => client.view().get("stock", "a")).toThrow(expect.objectContaining({ code: "NOT_READY" }));
    origin.setDown(false);
    const ready = client.ready(60_000);
    await until(() => {
      clock.advance(500);
      expect(client.view().get("stock", "a")).toBe(7);
    });
    await ready;
  });
});

describe("refused at the start", () => {
  test("a schema that is asynchronous, at the top or in an item", async () => {
    const top = z.unknown().refine(async () => true);
    const deep = z.object({ amount: z.number().refine(async () => true) });
    for (const prices of [top, deep]) {
      const opening = createClient({
        url: "http://127.0.0.1:7070",
        app: "a",
        datasets: { prices },
        fetch: origin.fetch,
        clock,
      });
      await expect(opening).rejects.toMatchObject({ code: "SCHEMA_ASYNC" });
    }
    await until(() => expect(clock.nextInMs()).toBeUndefined());
  });

  test("options that cannot work", async () => {
    await expect(open({ urls: [], viewMaxAgeMs: 0 })).rejects.toMatchObject({ code: "VALIDATION" });
  });
});

test("a closed client has sent what it counted and leaves no timer and no stream", async () => {
  const client = await open();
  start(100_000);
  await until(() => expect(client.view({ targetingKey: "u" }).arm("prices")).toBe("candidate"));
  const view = client.view({ targetingKey: "u" });
  view.get("prices", "a");
  view.fail("below-cost");
  await client.close();
  expect(origin.outcomes.flatMap(({ reports }) => reports)).toMatchObject([
    { candidate: { failures: { "below-cost": { count: 1, distinct: 1 } } } },
  ]);
  expect([origin.streams(), clock.nextInMs()]).toEqual([0, undefined]);
  expect(view.get("prices", "a")).toEqual({ amount: 2 });
  expect(() => client.view()).toThrow(expect.objectContaining({ code: "CLOSED" }));
});

test("outcomes carry the stratum of the process, and where it has none they carry none", async () => {
  const [north, elsewhere] = [await open({ stratum: "north" }), await open()];
  start(100_000);
  for (const client of [north, elsewhere]) {
    await until(() => expect(client.view({ targetingKey: "u" }).arm("prices")).toBe("candidate"));
    const view = client.view({ targetingKey: "u" });
    view.get("prices", "a");
    view.succeed();
    await client.close();
  }
  const reports = origin.outcomes.flatMap((batch) => batch.reports);
  expect(reports.filter(({ candidate }) => candidate.ok > 0).map(({ stratum }) => stratum ?? null)).toEqual([
    "north",
    null,
  ]);
  await expect(open({ stratum: "" })).rejects.toMatchObject({ code: "VALIDATION" });
});

test("a process that refuses a candidate says which application it is", async () => {
  const client = await open();
  const release = start(100_000, "2");
  await until(() => expect(client.view({ targetingKey: "u" }).arm("prices")).toBe("candidate"));
  // Stable has another value, and that is what the view reads.
  expect(client.view({ targetingKey: "u" }).get("prices", "a")).toEqual({ amount: 1 });
  await client.close();
  const refused = origin.confirmations.flatMap(({ confirmations }) =>
    confirmations.flatMap((each) => each.refused ?? []),
  );
  expect(refused).toEqual([
    { release, app: "checkout", reason: expect.stringContaining("checkout@test does not take it") },
  ]);
});
