import { createVirtualClock, SluiceError, type VirtualClock } from "@sluice/core";
import { beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { type Client, createReplicaClient } from "./client.ts";
import type { ClientEvents } from "./events.ts";
import { createMemoryReplica, type MemoryReplica } from "./memory-replica.ts";
import { clientDefaults } from "./options.ts";

type Items = { readonly prices: { readonly amount: number } };

let clock: VirtualClock;
let replica: MemoryReplica;
let client: Client<Items>;
let told: string[];

const names = ["version", "release", "reverted", "stale", "connected", "disconnected", "refused"] as const;

function show(name: keyof ClientEvents): void {
  client.on(name, (event) => told.push(`${name} ${JSON.stringify(event)}`));
}

function start(thousandths: number): void {
  replica.command({
    type: "start-release",
    dataset: "prices",
    publish: null,
    plan: null,
    thousandths,
    acceptQuarantined: true,
    draw: { release: "r", salt: "s" },
  });
}

const revert = (): void =>
  replica.command({ type: "revert", target: { release: "r" }, cause: { reason: "too cheap", evidence: null } });

beforeEach(() => {
  clock = createVirtualClock();
  replica = createMemoryReplica({ clock });
  replica.createDataset("prices");
  replica.createDataset("others");
  replica.publish("prices", { a: { amount: 1 } });
  client = createReplicaClient<Items>(replica, {
    ...clientDefaults,
    clock,
    schemas: { prices: z.object({ amount: z.number().positive() }) },
  });
  told = [];
  for (const name of names) show(name);
});

describe("listeners are told", () => {
  test("each step of a release, and each prepared version", () => {
    replica.publish("prices", { a: { amount: 2 } });
    start(5_000);
    replica.command({ type: "set-percentage", release: "r", thousandths: 20_000, epoch: null });
    replica.command({ type: "promote", release: "r", epoch: null });
    replica.patch("prices", { b: { amount: 1 } });
    replica.command({ type: "promote", release: "r", epoch: null });
    expect(told).toEqual([
      'version {"dataset":"prices","stable":1,"candidate":2}',
      'release {"release":"r","dataset":"prices","phase":"running","thousandths":5000}',
      'release {"release":"r","dataset":"prices","phase":"running","thousandths":20000}',
      'release {"release":"r","dataset":"prices","phase":"baking","thousandths":100000}',
      'version {"dataset":"prices","stable":3,"candidate":4}',
      'version {"dataset":"prices","stable":4,"candidate":null}',
      'release {"release":"r","dataset":"prices","phase":"completed","thousandths":100000}',
    ]);
  });

  test("of a revert once: by the mark that ran ahead, or by the log", () => {
    replica.publish("prices", { a: { amount: 2 } });
    start(5_000);
    told.length = 0;
    replica.mark("r");
    expect(told).toEqual(['reverted {"release":"r","dataset":"prices","publish":2,"reason":null}']);
    revert();
    expect(told.filter((line) => line.startsWith("reverted"))).toHaveLength(1);
  });

  test("of a revert that they hear of with the whole state", () => {
    replica.publish("prices", { a: { amount: 2 } });
    start(5_000);
    replica.setCutOff(true);
    revert();
    expect(told.filter((line) => line.startsWith("reverted"))).toEqual([]);
    replica.reload();
    expect(told.filter((line) => line.startsWith("reverted"))).toEqual([
      'reverted {"release":"r","dataset":"prices","publish":2,"reason":"too cheap"}',
    ]);
  });

  test("nothing of datasets that the client does not read", () => {
    replica.publish("others", { a: 1 });
    replica.publish("others", { a: 2 }, { thousandths: 1, supersede: false, acceptQuarantined: false });
    expect(told).toEqual([]);
  });

  test("nothing of releases that had ended before", () => {
    replica.setCutOff(true);
    replica.publish("prices", { a: { amount: 2 } });
    start(5_000);
    revert();
    replica.setCutOff(false);
    expect(told).toEqual([]);
  });

  test("when new views already see it", () => {
    const seen: unknown[] = [];
    client.on("version", () => seen.push(client.view().get("prices", "a")));
    replica.patch("prices", { a: { amount: 7 } });
    expect(seen).toEqual([{ amount: 7 }]);
  });

  test("of a refused candidate once for a release, by whichever view meets it", () => {
    replica.publish("prices", { a: { amount: -1 }, b: { amount: -1 } });
    start(100_000);
    const views = [client.view({ targetingKey: "u" }), client.view({ targetingKey: "u" })];
    told.length = 0;
    expect(views[0]?.get("prices", "a")).toEqual({ amount: 1 });
    expect(views[1]?.get("prices", "b")).toBeUndefined();
    expect(told.map((line) => line.slice(0, 7))).toEqual(["refused"]);
    expect(replica.refused).toEqual([
      { release: replica.releaseOf("prices"), reason: expect.stringMatching(/^prices "a" of v2: amount: /) },
    ]);
  });

  test("nothing of a candidate that breaks the schema of a view that is left from an ended release", () => {
    replica.publish("prices", { a: { amount: -1 } });
    start(100_000);
    const view = client.view({ targetingKey: "u" });
    revert();
    told.length = 0;
    expect(view.get("prices", "a")).toEqual({ amount: 1 });
    expect(told).toEqual([]);
  });

  test("from the next time on, where a listener adds one", () => {
    const calls: string[] = [];
    client.on("version", () => {
      calls.push("first");
      client.on("version", () => calls.push("added"));
    });
    replica.patch("prices", { a: { amount: 2 } });
    expect(calls).toEqual(["first"]);
    replica.patch("prices", { a: { amount: 3 } });
    expect(calls).toEqual(["first", "first", "added"]);
  });

  test("until they are taken off", () => {
    let calls = 0;
    const off = client.on("version", () => {
      calls += 1;
    });
    replica.patch("prices", { a: { amount: 2 } });
    off();
    replica.patch("prices", { a: { amount: 3 } });
    expect(calls).toBe(1);
  });
});

describe("silence", () => {
  test("is told once, and again after the next contact", () => {
    replica.setConnected(false);
    clock.advance(30_500);
    clock.advance(60_000);
    expect(told.map((line) => line.split(" ")[0])).toEqual(["disconnected", "stale"]);
    expect(client.status()).toMatchObject({ isStale: true, connection: { phase: "waiting" } });
    replica.setConnected(true);
    clock.advance(1_000);
    replica.setConnected(false);
    clock.advance(31_000);
    expect(told.map((line) => line.split(" ")[0])).toEqual([
      "disconnected",
      "stale",
      "connected",
      "disconnected",
      "stale",
    ]);
  });

  test("does not keep anybody from reading", () => {
    replica.setConnected(false);
    replica.setLease(false);
    clock.advance(86_400_000);
    expect(client.view({ targetingKey: "u" }).get("prices", "a")).toEqual({ amount: 1 });
    expect(client.status().contactAgeMs).toBe(86_400_000);
  });
});

test("status says what is read, from whom, how old and how much of it is cached", () => {
  replica.publish("prices", { a: { amount: 2 } });
  start(5_000);
  client.view().get("prices", "a");
  expect(client.status()).toEqual({
    log: "memory",
    sequence: replica.snapshot().state.sequence,
    connection: { url: "memory:", phase: "connected", error: null },
    contactAgeMs: 0,
    isStale: false,
    leaseHeld: true,
    counts: replica.counts(),
    datasets: {
      prices: {
        stable: 1,
        candidate: 2,
        release: "r",
        refusal: null,
        cache: { items: 1, itemsMax: 100_000, bytes: null },
      },
    },
  });
});

const empty = (): Client<{ readonly others: unknown }> =>
  createReplicaClient(replica, { ...clientDefaults, clock, schemas: { others: null } });

describe("a dataset without a version", () => {
  test("is not ready, which is not the same as having no items", async () => {
    const view = empty().view();
    expect(() => view.get("others", "a")).toThrow(expect.objectContaining({ code: "NOT_READY" }));
    expect(() => view.has("others", "a")).toThrow(expect.objectContaining({ code: "NOT_READY" }));
    expect(view.version("others")).toBeNull();
    await expect(empty().ready()).rejects.toMatchObject({ code: "NOT_READY", details: { missing: ["others"] } });
  });

  test("is read by views made after its first version came", async () => {
    const made = empty();
    const early = made.view();
    replica.publish("others", { a: 1 });
    expect(made.view().get("others", "a")).toBe(1);
    expect(() => early.get("others", "a")).toThrow(expect.objectContaining({ code: "NOT_READY" }));
    await made.ready();
  });
});

describe("a closed client", () => {
  test("makes no view, and leaves those that it made to their end", async () => {
    const view = client.view();
    await client.close();
    await client.close();
    expect(() => client.view()).toThrow(expect.objectContaining({ code: "CLOSED" }));
    expect(view.get("prices", "a")).toEqual({ amount: 1 });
    clock.advance(10_000);
    expect(() => view.get("prices", "a")).toThrow(expect.objectContaining({ code: "VIEW_EXPIRED" }));
  });

  test("leaves no timer where a listener closed it", () => {
    client.on("stale", () => void client.close());
    replica.setConnected(false);
    clock.advance(31_000);
    expect(clock.nextInMs()).toBeUndefined();
  });

  test("leaves no timer and hears nothing more", async () => {
    expect(clock.nextInMs()).toBeDefined();
    await client[Symbol.asyncDispose]();
    expect(clock.nextInMs()).toBeUndefined();
    replica.patch("prices", { a: { amount: 2 } });
    expect(told).toEqual([]);
  });
});

describe("a view as the current one", () => {
  test("goes along with what its request starts, and with nothing else", async () => {
    const view = client.view({ targetingKey: "u" });
    const seen = await client.runWith(view, async () => {
      await Promise.resolve();
      return client.current();
    });
    expect(seen).toBe(view);
    expect(client.current()).toBeUndefined();
  });

  test("belongs to its client", () => {
    const other = createReplicaClient<Items>(replica, { ...clientDefaults, clock, schemas: { prices: null } });
    expect(client.runWith(client.view(), () => other.current())).toBeUndefined();
  });
});

test("a listener that throws stops neither the others nor the state, and its error is not lost", async () => {
  const broken = new SluiceError("INTERNAL", "a broken listener");
  const surfaced = new Promise((resolve) => {
    const others = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.once("uncaughtException", (error) => {
      for (const listener of others) process.on("uncaughtException", listener);
      resolve(error);
    });
  });
  client.on("version", () => {
    throw broken;
  });
  show("version");
  replica.patch("prices", { a: { amount: 2 } });
  expect(client.view().get("prices", "a")).toEqual({ amount: 2 });
  expect(told).toHaveLength(2);
  expect(await surfaced).toBe(broken);
});
