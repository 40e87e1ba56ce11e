import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { own } from "@sluice/core";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { endOf } from "./local.testing.ts";
import type { Items } from "./log.testing.ts";
import type { Replica } from "./replica.ts";
import { blobsOn, marksOn } from "./storage.testing.ts";
import { blobGraceMs, sweepMs } from "./sweeper.ts";
import { passUntil, settle } from "./turns.testing.ts";
import { createWorld, holds, itemsOf, shownBy, type World } from "./world.testing.ts";

let directory = "";
const running: Replica[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-shared-"));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((replica) => replica.close()));
  rmSync(directory, { recursive: true, force: true });
});

/** Minutes of a clock that stands still cost seconds where the disk is real. */
vi.setConfig({ testTimeout: 30_000 });

const position = (): string => join(directory, "position");
const written = (): string => (existsSync(position()) ? readFileSync(position(), "utf8") : "");
const many: Items = new Map(Array.from({ length: 500 }, (_, index) => [`key-${index}`, index]));

/** Chance that is never the same for two processes, and always the same for one seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Starts processes one after the other: the first becomes the directory's writer. */
async function start(world: World, ids: readonly string[], change: { datasets?: string[] } = {}): Promise<Replica[]> {
  const replicas: Replica[] = [];
  for (const [index, id] of ids.entries()) {
    const replica = world.another({ id, directory, random: createRandom(index + 1), ...change });
    running.push(replica);
    replicas.push(replica);
    await replica.start();
    await passUntil(world.clock, () => replica.connection().phase === "connected", `${id} is connected`);
  }
  return replicas;
}

async function showing(world: World, replicas: readonly Replica[], key: string, value: unknown): Promise<void> {
  const all = (): boolean => replicas.every((replica) => shownBy(replica).stable?.get(key) === value);
  await passUntil(world.clock, () => all(), `everybody shows ${String(value)} at ${key}`);
}

/** Takes time as it passes for a connection: with heartbeats. */
async function beat(world: World, durationMs: number): Promise<void> {
  for (let passed = 0; passed < durationMs; passed += 2_000) {
    world.origin.heartbeat();
    await world.pass(2_000);
  }
}

const ids = ["app-1", "app-2", "app-3", "app-4", "app-5", "app-6", "app-7", "app-8"];

test("eight processes of a host transfer a new version once, and its files lie there once", async () => {
  const world = await createWorld();
  const { log, origin } = world;
  const replicas = await start(world, ids);
  await showing(world, replicas, "a", 1);
  const asked = origin.asked.length;
  origin.send(await log.publish("prices", many, true, 7));
  await showing(world, replicas, "key-499", 499);
  const wanted = await log.blobs.list();
  expect(origin.asked.toSorted()).toEqual(wanted.toSorted());
  expect(origin.asked.length - asked).toBe(7);
  expect(blobsOn(directory).toSorted()).toEqual(wanted.toSorted());
});

test("a dataset that the writer does not hold is transferred once too, for all who want it", async () => {
  const world = await createWorld();
  const { log, origin } = world;
  log.create("stock");
  await log.publish("stock", many, true, 5);
  await start(world, ["sidecar"], { datasets: ["prices"] });
  const before = origin.asked.length;
  const readers = await start(world, ids, { datasets: ["stock"] });
  await passUntil(world.clock, () => readers.every((reader) => holds(reader, "stable", "stock")));
  expect(origin.asked.length - before).toBe(5);
});

test("a reader fetches for itself what the writer does not bring", async () => {
  const world = await createWorld();
  const { log, origin, another, clock } = world;
  const { fetch } = origin;
  let isCutOff = false;
  const writer = another({
    id: "app-1",
    directory,
    fetch: (input, init) => (isCutOff ? Promise.reject(new TypeError("fetch failed")) : fetch(input, init)),
  });
  running.push(writer);
  await writer.start();
  await passUntil(clock, () => writer.connection().phase === "connected" && existsSync(position()));
  // The one who holds the lock hears of nothing any more.
  isCutOff = true;
  origin.stream().cut();
  await settle();
  await log.publish("prices", many, true, 3);
  const [reader] = await start(world, ["app-2"]);
  await passUntil(clock, () => shownBy(reader as Replica).stable?.get("key-7") === 7);
  expect(shownBy(writer).stable).toEqual(itemsOf({ a: 1 }));
});

test("one process at a time writes the position, and another goes on with it when that one has ended", async () => {
  const world = await createWorld();
  const { log, origin, clock } = world;
  const [first, second] = (await start(world, ["app-1", "app-2"])) as [Replica, Replica];
  await passUntil(clock, () => existsSync(position()));
  origin.send(log.patch("prices", itemsOf({ b: 1 })));
  await showing(world, [first, second], "b", 1);
  await first.close();
  expect(written()).toContain(`"sequence":${log.state().sequence}`);
  origin.send(log.patch("prices", itemsOf({ b: 2 })));
  const isTaken = (): boolean => written().includes(`"sequence":${log.state().sequence}`);
  await passUntil(clock, isTaken, "the second writes");
  expect(shownBy(second).stable?.get("b")).toBe(2);
});

test("processes that hold different datasets leave a position each, and who holds one starts from any that has it", async () => {
  const world = await createWorld();
  const { log, origin, clock, another } = world;
  log.create("stock");
  await log.publish("stock", itemsOf({ s: 1 }), true, 1);
  const [pricing] = (await start(world, ["app-1"], { datasets: ["prices"] })) as [Replica];
  const [sidecar] = (await start(world, ["sidecar"])) as [Replica];
  await passUntil(clock, () => holds(sidecar, "stable", "stock") && holds(sidecar, "stable"));
  origin.send(log.patch("prices", itemsOf({ b: 1 })));
  await showing(world, [pricing, sidecar], "b", 1);
  await Promise.all([pricing.close(), sidecar.close()]);
  expect(readdirSync(directory).filter((name) => /^position(\.[0-9a-f]+)?$/.test(name)).length).toBe(2);
  origin.down = true;
  for (const datasets of [null, ["stock"], ["prices"], ["stock", "prices"]]) {
    const again = another({ id: `again-${String(datasets)}`, directory, datasets });
    await again.start();
    for (const dataset of datasets ?? ["prices", "stock"]) {
      expect([...(shownBy(again, dataset).stable ?? [])]).toEqual(
        dataset === "stock"
          ? [["s", 1]]
          : [
              ["b", 1],
              ["a", 1],
            ],
      );
    }
    await again.close();
  }
});

test("a revert that a reader has confirmed is known to whoever starts after all have died, from a position that is older", async () => {
  const world = await createWorld();
  const { log, origin, clock, another } = world;
  const [, reader] = (await start(world, ["app-1", "app-2"])) as [Replica, Replica];
  origin.send(await log.publish("prices", itemsOf({ a: 2 }), false), log.release("prices", "r1"));
  origin.send(log.append({ type: "release-promoted", release: "r1", reason: "", evidence: null }));
  await passUntil(clock, () => holds(reader, "candidate"));
  await passUntil(clock, () => written().includes("baking"), "the position is on disk");
  // The writer does not hear of it: only the reader's stream has it.
  const reverted = log.append(endOf("release-reverted", "r1"));
  origin.streams.filter(({ query }) => query.id === "app-2")[0]?.send({ type: "events", events: [reverted] });
  const isConfirmed = (): boolean =>
    origin.confirmations.some(({ confirmations }) => confirmations.some((each) => each.reverted.includes("r1")));
  await passUntil(clock, isConfirmed, "the reader has confirmed the revert");
  expect(written()).toContain("baking");

  // Nobody closes anything: all die.
  const copy = mkdtempSync(join(tmpdir(), "sluice-copy-"));
  try {
    for (const name of readdirSync(directory).filter((each) => /^(position|marks)/.test(each))) {
      writeFileSync(join(copy, name), readFileSync(join(directory, name)));
    }
    origin.down = true;
    const again = another({ id: "app-3", directory: copy });
    running.push(again);
    await again.start();
    expect(own(again.snapshot().state.releases, "r1")?.phase).toBe("baking");
    expect([...again.snapshot().marks]).toEqual(["r1"]);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});

test("the writer keeps a reader's marks until a position on disk has passed them, and then removes them", async () => {
  const world = await createWorld();
  const { log, origin, clock } = world;
  await start(world, ["app-1", "app-2"]);
  origin.send(await log.publish("prices", itemsOf({ a: 2 }), false), log.release("prices", "r1"));
  await settle();
  const toReader = (): typeof origin.streams => origin.streams.filter(({ query }) => query.id === "app-2");
  const reverted = log.append(endOf("release-reverted", "r1"));
  for (const stream of toReader()) stream.send({ type: "events", events: [reverted] });
  await passUntil(clock, () => marksOn(directory).length > 0, "the reader's mark is on disk");
  // A writer that hears heartbeats and no event: it is behind.
  for (let passed = 0; passed < 3 * 60_000; passed += 2_000) {
    for (const stream of origin.streams) stream.send({ type: "heartbeat", sequence: reverted.sequence - 1, ageMs: 0 });
    await world.pass(2_000);
  }
  expect(marksOn(directory)).toEqual([
    expect.stringMatching(`"release":"r1","at":\\d+,"sequence":${reverted.sequence}}]$`),
  ]);
  for (const stream of origin.streams.filter(({ query }) => query.id === "app-1")) {
    stream.send({ type: "events", events: [reverted] });
  }
  // A write takes long on this clock, and what takes long is done seldom.
  for (let minutes = 0; minutes < 1_000 && marksOn(directory).length > 0; minutes++) await beat(world, 60_000);
  expect(marksOn(directory)).toEqual([]);
  expect(written()).toContain(`"sequence":${reverted.sequence}`);
});

test("what a living reader needs is not swept, however long the writer has not needed it; what nobody needs is", async () => {
  const world = await createWorld();
  const { log, clock } = world;
  log.create("stock");
  await log.publish("stock", itemsOf({ s: 1 }), true, 1);
  await start(world, ["sidecar"], { datasets: ["prices"] });
  const [reader] = (await start(world, ["app-1"], { datasets: ["stock"] })) as [Replica];
  await passUntil(clock, () => holds(reader, "stable", "stock"));
  const both = blobsOn(directory).toSorted();
  await beat(world, 2 * blobGraceMs);
  expect(blobsOn(directory).toSorted()).toEqual(both);
  await reader.close();
  await beat(world, blobGraceMs + 3 * sweepMs);
  expect(blobsOn(directory).length).toBe(both.length - 1);
  expect(shownBy(running[0] as Replica).stable).toEqual(itemsOf({ a: 1 }));
});

test("files that somebody has taken away are fetched again by one process, and all of them read on meanwhile", async () => {
  const world = await createWorld();
  const { log, origin } = world;
  const replicas = await start(world, ["app-1", "app-2", "app-3"]);
  origin.send(await log.publish("prices", many, true, 4));
  await showing(world, replicas, "key-3", 3);
  const asked = origin.asked.length;
  const files = blobsOn(directory);
  rmSync(join(directory, "blobs"), { recursive: true });
  for (const replica of replicas) expect(shownBy(replica).stable).toEqual(many);
  const healed = (): boolean => blobsOn(directory).length >= 4;
  for (let rounds = 0; rounds < 60 && !healed(); rounds++) await beat(world, 2_000);
  await beat(world, 4_000);
  expect(files).toEqual(expect.arrayContaining([...blobsOn(directory)]));
  expect(origin.asked.length - asked).toBe(4);
  for (const replica of replicas) expect(shownBy(replica).stable).toEqual(many);
});

test("a directory that was taken away whole is made again, for the next start too", async () => {
  const world = await createWorld();
  const { log, origin } = world;
  const replicas = await start(world, ["app-1", "app-2"]);
  await showing(world, replicas, "a", 1);
  rmSync(directory, { recursive: true });
  origin.send(await log.publish("prices", many, true, 3));
  await showing(world, replicas, "key-3", 3);
  for (let minutes = 0; minutes < 10 && !written().includes(`"sequence":3`); minutes++) await beat(world, 60_000);
  origin.down = true;
  const again = world.another({ id: "app-3", directory });
  running.push(again);
  await again.start();
  expect(shownBy(again).stable).toEqual(many);
});

test("who keeps its blobs in an origin's own directory is never the writer there, and finds all of them", async () => {
  const world = await createWorld();
  const { log, origin } = world;
  writeFileSync(join(directory, "log.sqlite"), "");
  const { createDirectoryBlobs } = await import("./directory-blobs.ts");
  const blobs = createDirectoryBlobs(join(directory, "blobs"));
  for (const name of await log.blobs.list()) await blobs.put(name, await log.blobs.read(name));
  const [reader] = (await start(world, ["app-1"])) as [Replica];
  await showing(world, [reader], "a", 1);
  await beat(world, blobGraceMs + 3 * sweepMs);
  expect(origin.asked).toEqual([]);
  expect(readdirSync(directory).toSorted()).toEqual(["blobs", "log.sqlite"]);
});

test("a process that asks for one dataset more and ends before it came leaves no position that claims it", async () => {
  const world = await createWorld({ directory, datasets: ["prices"] });
  const { log, origin, another, clock, replica } = world;
  log.create("stock");
  await log.publish("stock", itemsOf({ b: 2 }), true, 1);
  await replica.start();
  await passUntil(clock, () => shownBy(replica).stable?.get("a") === 1);
  await replica.close();

  origin.down = true;
  const upgraded = another({ id: "app-2", directory, datasets: ["prices", "stock"] });
  await upgraded.start();
  await world.pass(5_000);
  await upgraded.close();

  origin.down = false;
  const again = another({ id: "app-3", directory, datasets: ["prices", "stock"] });
  running.push(again);
  await again.start();
  await passUntil(clock, () => shownBy(again, "stock").stable?.get("b") === 2);
  expect(shownBy(again).stable).toEqual(itemsOf({ a: 1 }));
});
