import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { own } from "@sluice/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Replica } from "./replica.ts";
import { blobGraceMs, sweepMs } from "./sweeper.ts";
import { tokenOf } from "./storage.testing.ts";
import { pass as passOn, passUntil, settle, until } from "./turns.testing.ts";
import { createWorld, holds, itemsOf, shownBy, type World } from "./world.testing.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-replica-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const isReady = (replica: Replica, dataset = "prices"): boolean => holds(replica, "stable", dataset);
const position = (): string => join(directory, "position");

/** A world whose replica was here before, with a candidate out to 5 %, and is gone. */
async function left(): Promise<World> {
  const world = await createWorld({ directory });
  const { log, origin, replica } = world;
  await replica.start();
  await until(() => isReady(replica), "the first version");
  origin.send(log.patch("prices", itemsOf({ b: 2 })));
  origin.send(await log.publish("prices", itemsOf({ a: 7 }), false), log.release("prices", "r1"));
  await until(() => holds(replica, "candidate"), "the candidate");
  await replica.close();
  return world;
}

test("a start from disk shows what was there, without any instance, and has no lease", async () => {
  const { origin, another, log } = await left();
  origin.down = true;
  const again = another({ id: "app-2", directory });
  await again.start();
  expect(again.snapshot()).toMatchObject({ log: "log-1", state: log.state() });
  expect(shownBy(again)).toEqual({ stable: itemsOf({ a: 1, b: 2 }), candidate: itemsOf({ a: 7 }) });
  expect([again.leaseHeld(), again.contactAgeMs()]).toEqual([false, null]);
  await again.ready(0);
  await again.close();
});

test("after a start from disk the log goes on where it was, and no blob is fetched again", async () => {
  const { origin, another, log, pass } = await left();
  const asked = origin.asked.length;
  log.patch("prices", itemsOf({ c: 3 }));
  const again = another({ id: "app-2", directory });
  await again.start();
  await until(() => again.connection().phase === "connected");
  await pass(10);
  expect(origin.stream().query).toMatchObject({ log: "log-1", from: 5 });
  expect(shownBy(again)).toEqual({ stable: itemsOf({ a: 1, b: 2, c: 3 }), candidate: itemsOf({ a: 7, c: 3 }) });
  expect(origin.asked.length).toBe(asked);
  await again.close();
});

test("a position torn at any of a hundred places is noticed, thrown away and fetched again, never served", async () => {
  const { origin, another } = await left();
  const whole = readFileSync(position());
  for (let place = 0; place < 100; place++) {
    writeFileSync(position(), whole.subarray(0, Math.floor((place * whole.byteLength) / 100)));
    origin.down = true;
    const again = another({ id: `app-${place}`, directory });
    await again.start();
    expect(again.snapshot()).toMatchObject({ log: null, state: { sequence: 0 } });
    expect(again.counts().positionErrors).toBe(1);
    if (place === 50) {
      origin.down = false;
      await until(() => isReady(again));
      expect(origin.stream().query).toMatchObject({ log: null, from: 0 });
      expect(shownBy(again).stable).toEqual(itemsOf({ a: 1, b: 2 }));
    }
    await again.close();
  }
});

test("without sound marks the position is not served: it could show what was reverted", async () => {
  const { another, origin } = await left();
  writeFileSync(join(directory, "marks.somebody.1"), "damaged");
  origin.down = true;
  const again = another({ id: "app-2", directory });
  await again.start();
  expect(again.snapshot().log).toBe(null);
  await again.close();
});

test("a position with the shape of another is served to nobody for long: the whole state is asked for", async () => {
  const { another, origin } = await left();
  const { hash } = await import("node:crypto");
  const [text = ""] = readFileSync(position(), "utf8").split("\n");
  const body = `${text.replace('"policy":"canary"', '"policy":"sparrow"')}\n`;
  writeFileSync(position(), `${body}${hash("sha256", body)}\n`);
  const again = another({ id: "app-2", directory });
  await again.start();
  await until(() => again.connection().phase === "connected");
  expect(origin.stream().query.log).toBe(null);
  expect(again.counts().positionErrors).toBe(1);
  expect(own(again.snapshot().state.datasets, "prices")?.policy).toBe("canary");
  await again.close();
});

test("blobs that went away meanwhile are fetched again, and stable is shown as soon as it can be", async () => {
  const { another, origin } = await left();
  rmSync(join(directory, "blobs"), { recursive: true });
  const again = another({ id: "app-2", directory });
  await again.start();
  expect(isReady(again)).toBe(false);
  await until(() => isReady(again) && holds(again, "candidate"));
  expect(shownBy(again)).toEqual({ stable: itemsOf({ a: 1, b: 2 }), candidate: itemsOf({ a: 7 }) });
  expect(origin.stream().query).toMatchObject({ log: "log-1", from: 5 });
  await again.close();
});

test("blobs that were damaged meanwhile are set aside and fetched again", async () => {
  const { another } = await left();
  for (const path of readdirSync(join(directory, "blobs"), { recursive: true, encoding: "utf8" })) {
    if (/[0-9a-f]{64}$/.test(path)) writeFileSync(join(directory, "blobs", path), "damaged");
  }
  const again = another({ id: "app-2", directory });
  await again.start();
  expect(isReady(again)).toBe(false);
  await until(() => isReady(again) && holds(again, "candidate"));
  expect(shownBy(again)).toEqual({ stable: itemsOf({ a: 1, b: 2 }), candidate: itemsOf({ a: 7 }) });
  expect(again.counts().corruptBlobs).toBeGreaterThan(0);
  await again.close();
});

test("a part that a read finds damaged hides the candidate that stands on it until it was fetched again", async () => {
  const world = await createWorld({ directory });
  const { log, origin, replica } = world;
  await log.publish("prices", itemsOf({ first: "the first item", other: 1 }), false, 1);
  await replica.start();
  await until(() => isReady(replica) && holds(replica, "candidate"));
  const candidate = replica.snapshot().datasets.get("prices")?.candidate;
  const name = candidate?.base.parts[0]?.name ?? "";
  const path = join(directory, "blobs", name.slice(0, 2), name);
  writeFileSync(path, readFileSync(path).toString("latin1").replace("the first item", "the FIRST item"), "latin1");
  origin.down = true;
  expect(() => candidate?.get("first")).toThrow(expect.objectContaining({ code: "CORRUPT" }));
  await until(() => replica.snapshot().datasets.get("prices")?.candidate === null);
  expect(shownBy(replica).stable).toEqual(itemsOf({ a: 1 }));
  origin.down = false;
  await passUntil(world.clock, () => holds(replica, "candidate"));
  expect(replica.snapshot().datasets.get("prices")?.candidate?.get("first")).toBe('"the first item"');
  expect(candidate?.get("first")).toBe('"the first item"');
  expect(replica.counts().corruptBlobs).toBe(1);
  await replica.close();
});

test("a directory left by a replica of other datasets serves what it has, and the whole state brings the rest", async () => {
  const world = await createWorld({ directory, datasets: ["prices"] });
  const { log, origin, replica, another } = world;
  log.create("stock");
  await log.publish("stock", itemsOf({ s: 1 }), true);
  await replica.start();
  await until(() => isReady(replica));
  await replica.close();
  const again = another({ id: "app-2", directory, datasets: ["prices", "stock"] });
  await again.start();
  expect(isReady(again)).toBe(true);
  await until(() => isReady(again, "stock"));
  expect(origin.stream().query.log).toBe(null);
  await again.close();
  const third = another({ id: "app-3", directory, datasets: ["stock"] });
  await third.start();
  await until(() => third.connection().phase === "connected");
  expect(origin.stream().query.log).toBe("log-1");
  expect([isReady(third, "stock"), isReady(third)]).toEqual([true, false]);
  await third.close();
});

test("what waited for its content goes on waiting after a restart, and the old version is shown meanwhile", async () => {
  const world = await createWorld({ directory });
  const { log, origin, replica, another } = world;
  await replica.start();
  await until(() => isReady(replica));
  const names = new Set(await log.blobs.list());
  origin.withheld = (name) => !names.has(name);
  origin.send(await log.publish("prices", itemsOf({ a: 5 }), true), log.patch("prices", itemsOf({ c: 1 })));
  await settle();
  await replica.close();
  origin.withheld = () => false;
  origin.down = true;
  const again = another({ id: "app-2", directory });
  await again.start();
  expect(shownBy(again).stable).toEqual(itemsOf({ a: 1 }));
  origin.down = false;
  await passUntil(world.clock, () => shownBy(again).stable?.get("a") === 5);
  expect(shownBy(again).stable).toEqual(itemsOf({ a: 5, c: 1 }));
  await again.close();
});

test("the position is written a second after a change, and at the close", async () => {
  const world = await createWorld({ directory });
  const { log, origin, replica, pass } = world;
  await replica.start();
  await until(() => isReady(replica));
  expect(readdirSync(directory)).not.toContain("position");
  await pass(1_100);
  await until(() => readdirSync(directory).includes("position"));
  origin.send(log.patch("prices", itemsOf({ b: 2 })));
  await settle();
  await replica.close();
  expect(readFileSync(position(), "utf8")).toContain(`"sequence":${log.state().sequence}`);
});

test("a copy of the directory made at any moment of a running replica starts as it was or is fetched again", async () => {
  const world = await createWorld({ directory });
  const { log, origin, replica, another, pass } = world;
  await replica.start();
  await until(() => isReady(replica));
  const copies = mkdtempSync(join(tmpdir(), "sluice-copies-"));
  try {
    for (let moment = 0; moment < 5; moment++) {
      origin.send(log.patch("prices", itemsOf({ b: moment })));
      await pass(1_100);
      await settle();
      const copy = join(copies, String(moment));
      cpSync(directory, copy, { recursive: true });
      origin.down = true;
      const again = another({ id: `copy-${moment}`, directory: copy });
      await again.start();
      const { state, log: id } = again.snapshot();
      const stable = shownBy(again).stable;
      expect([id, stable?.get("b")]).toEqual(
        id === null ? [null, undefined] : ["log-1", state.sequence < 3 ? undefined : state.sequence - 3],
      );
      await again.close();
      origin.down = false;
    }
  } finally {
    rmSync(copies, { recursive: true, force: true });
  }
  await replica.close();
});

test("blobs that nothing refers to any more are removed after the grace, the others stay", async () => {
  const world = await createWorld({});
  const { log, origin, replica, clock } = world;
  await replica.start();
  await settle();
  const first = await replica.blobs.list();
  origin.send(await log.publish("prices", itemsOf({ a: 2 }), true));
  await settle();
  const both = await replica.blobs.list();
  expect(both.length).toBeGreaterThan(first.length);
  const beats = async (durationMs: number): Promise<void> => {
    for (let passed = 0; passed < durationMs; passed += 2_000) {
      origin.heartbeat();
      await passOn(clock, 2_000);
    }
  };
  await beats(blobGraceMs);
  expect((await replica.blobs.list()).length).toBe(both.length);
  await beats(2 * sweepMs);
  const needed =
    replica
      .snapshot()
      .datasets.get("prices")
      ?.stable?.base.parts.map(({ name }) => name) ?? [];
  expect([...(await replica.blobs.list())].sort()).toEqual([...new Set(needed)].sort());
  expect(shownBy(replica).stable).toEqual(itemsOf({ a: 2 }));
  await replica.close();
});

test("what has come of a version that is still on its way is not taken for waste", async () => {
  const { log, origin, replica, clock } = await createWorld();
  await replica.start();
  await settle();
  const known = new Set(await log.blobs.list());
  const logged = await log.publish(
    "prices",
    new Map(Array.from({ length: 50 }, (_, index) => [`key-${index}`, index])),
    false,
  );
  const [first = ""] = (await log.blobs.list()).filter((name) => !known.has(name));
  origin.withheld = (name) => name !== first && !known.has(name);
  origin.send(logged);
  for (let passed = 0; passed < blobGraceMs + 3 * sweepMs; passed += 2_000) {
    origin.heartbeat();
    await passOn(clock, 2_000);
  }
  expect(origin.asked.filter((name) => name === first).length).toBe(1);
  await replica.close();
});

test("what the position on disk needs stays while no newer one can be written", async () => {
  const world = await createWorld({ directory });
  const { log, origin, replica, clock } = world;
  await replica.start();
  await until(() => isReady(replica));
  await world.pass(1_100);
  await until(() => readdirSync(directory).includes("position"));
  await settle();
  // A directory in the place of the temporary file.
  mkdirSync(`${position()}.${tokenOf("app-1")}.tmp`);
  const first = replica.snapshot().datasets.get("prices")?.stable?.base.parts[0]?.name ?? "";
  origin.send(await log.publish("prices", itemsOf({ b: 2 }), true));
  await until(() => shownBy(replica).stable?.has("b") === true);
  for (let passed = 0; passed < blobGraceMs + 3 * sweepMs; passed += 2_000) {
    origin.heartbeat();
    await passOn(clock, 2_000);
  }
  expect(replica.counts().positionErrors).toBeGreaterThan(0);
  expect(replica.blobs.has(first)).toBe(true);
  await replica.close();
});
