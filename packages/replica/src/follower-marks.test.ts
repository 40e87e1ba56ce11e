import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { own, protocolVersion } from "@sluice/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { endOf } from "./local.testing.ts";
import { marksOn, tokenOf } from "./storage.testing.ts";
import { settle, until } from "./turns.testing.ts";
import { createReleasedWorld, createStartedWorld, itemsOf, type World } from "./world.testing.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-marks-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const reverted = ({ origin }: World): string[] =>
  origin.confirmations.flatMap(({ confirmations }) => confirmations.flatMap((each) => each.reverted));

test("a mark takes effect the moment it comes, whatever the log says, and is confirmed", async () => {
  const world = await createReleasedWorld();
  const { origin, replica, changes } = world;
  const mark = { release: "r1", at: 5 };
  origin.mark(mark);
  await settle();
  expect([...replica.snapshot().marks]).toEqual(["r1"]);
  expect(own(replica.snapshot().state.releases, "r1")?.phase).toBe("running");
  expect(changes.at(-1)).toMatchObject({ events: [], marks: [mark] });
  expect(reverted(world)).toEqual(["r1"]);
  // The same mark again is nothing new.
  const before = replica.snapshot();
  origin.mark(mark);
  await settle();
  expect(replica.snapshot()).toBe(before);
});

test("a mark ends with its release in the log, and one that comes after that end is ignored", async () => {
  const world = await createReleasedWorld();
  const { log, origin, replica } = world;
  origin.mark({ release: "r1", at: 5 });
  origin.send(log.append(endOf("release-reverted", "r1")));
  await settle();
  expect(replica.snapshot().marks.size).toBe(0);
  expect(replica.snapshot().datasets.get("prices")?.candidate).toBe(null);
  const before = replica.snapshot();
  origin.mark({ release: "r1", at: 9 });
  await settle();
  expect(replica.snapshot()).toBe(before);
});

test("marks that come with the whole state are in force with it", async () => {
  const world = await createReleasedWorld();
  const { origin } = world;
  const { whole } = origin;
  origin.whole = async () => ({ ...(await whole()), marks: [{ release: "r1", at: 5 }] });
  const other = world.another({ id: "app-2" });
  await other.start();
  await settle();
  expect([...other.snapshot().marks]).toEqual(["r1"]);
});

test("a mark from elsewhere is passed on with the next question, which comes at once", async () => {
  const world = await createReleasedWorld();
  const { origin, replica, pass } = world;
  replica.present({ release: "r1", at: 5 });
  expect([...replica.snapshot().marks]).toEqual(["r1"]);
  await pass(0);
  expect(origin.streams.length).toBe(2);
  expect(origin.stream().query.marks).toEqual(["r1"]);
  replica.present({ release: "r1", at: 6 });
  await pass(0);
  expect(origin.streams.length).toBe(2);
});

test.each(["mark", "event"])("a revert by %s is swapped first, then on disk, then confirmed", async (kind) => {
  const world = await createReleasedWorld(directory);
  const { log, origin, replica } = world;
  const order: string[] = [];
  replica.subscribe(({ snapshot }) => {
    if (snapshot.marks.has("r1") || own(snapshot.state.releases, "r1")?.phase === "reverted") order.push("swapped");
  });
  const { fetch } = origin;
  void fetch;
  const confirmations = origin.confirmations as unknown[];
  const push = confirmations.push.bind(confirmations);
  confirmations.push = (...batches) => {
    if (JSON.stringify(batches).includes('"reverted":["r1"]')) {
      order.push(`confirmed with ${marksOn(directory).join()}`);
    }
    return push(...batches);
  };
  if (kind === "mark") origin.mark({ release: "r1", at: 5 });
  else origin.send(log.append(endOf("release-reverted", "r1")));
  await until(() => order.length === 2);
  expect(order[0]).toBe("swapped");
  expect(order[1]).toMatch(/^confirmed with \[\{"release":"r1","at":\d+,"sequence":(null|\d+)\}\]$/);
  await replica.close();
});

test("a revert that the disk does not take is in effect and not confirmed, and neither is what comes after it, until the disk does", async () => {
  const world = await createReleasedWorld(directory);
  const { log, origin, replica, pass } = world;
  // Directories in the place of the file, of which there is a new one at each attempt: the rename fails.
  const blockers = [1, 2, 3].map((number) => join(directory, `marks.${tokenOf("app-1")}.${number}`));
  for (const blocker of blockers) mkdirSync(blocker, { recursive: true });
  const before = origin.confirmations.length;
  origin.send(log.append(endOf("release-reverted", "r1")), log.create("stock"));
  await until(() => replica.counts().positionErrors > 0);
  expect(own(replica.snapshot().state.releases, "r1")?.phase).toBe("reverted");
  origin.send(log.create("flags"));
  await settle();
  expect(origin.confirmations.length).toBe(before);
  for (const blocker of blockers) rmSync(blocker, { recursive: true });
  await pass(1_000);
  await until(() => reverted(world).includes("r1"));
  const applied = origin.confirmations.at(-1)?.confirmations[0]?.applied;
  expect(applied).toBe(log.state().controlSequence);
  await replica.close();
});

test.each(["mark", "event"])(
  "a revert by %s survives a crash right after it was confirmed: the start from disk shows stable",
  async (kind) => {
    const world = await createReleasedWorld(directory);
    const { log, origin, replica, pass } = world;
    origin.send(log.append({ type: "release-promoted", release: "r1", reason: "", evidence: null }));
    await settle();
    await pass(1_500);
    await until(
      () =>
        existsSync(join(directory, "position")) && readFileSync(join(directory, "position"), "utf8").includes("baking"),
    );
    if (kind === "mark") origin.mark({ release: "r1", at: 5 });
    else origin.send(log.append(endOf("release-reverted", "r1")));
    await until(() => reverted(world).includes("r1"));

    // No close: the position on disk still says that everybody sees the candidate.
    expect(readFileSync(join(directory, "position"), "utf8")).toContain("baking");
    origin.down = true;
    const again = world.another({ directory, id: "app-2" });
    await again.start();
    expect(own(again.snapshot().state.releases, "r1")?.phase).toBe("baking");
    expect([...again.snapshot().marks]).toEqual(["r1"]);
    origin.down = false;
    await until(() => again.connection().phase !== "idle");
    await pass(5_000);
    expect(origin.stream().query.marks).toContain("r1");
    expect([...again.snapshot().marks]).toEqual(kind === "mark" ? ["r1"] : []);
    await Promise.all([again.close(), replica.close()]);
  },
);

test("reverts that were missed while away are confirmed with the state that brings them", async () => {
  const world = await createReleasedWorld();
  const { log, origin, pass } = world;
  origin.down = true;
  origin.stream().cut();
  await settle();
  log.append(endOf("release-reverted", "r1"));
  origin.greet = async (stream) => {
    stream.send({ type: "hello", protocol: protocolVersion, log: "log-1", instance: "origin-1" });
    stream.send(await origin.whole());
  };
  origin.down = false;
  await pass(1_000);
  expect(reverted(world)).toContain("r1");
});

test("control events are confirmed, patches are not, and a candidate once it is prepared", async () => {
  const world = await createStartedWorld();
  const { log, origin, pass } = world;
  await pass(100);
  const applied = (): number[] =>
    origin.confirmations.flatMap(({ confirmations }) => confirmations.map((each) => each.applied));
  expect(applied().at(-1)).toBe(2);
  const before = applied().length;
  origin.send(log.patch("prices", itemsOf({ b: 1 })));
  await pass(100);
  expect(applied().length).toBe(before);
  const names = new Set(await log.blobs.list());
  origin.withheld = (name) => !names.has(name);
  origin.send(await log.publish("prices", itemsOf({ a: 2 }), false), log.release("prices", "r1"));
  await pass(90);
  expect(origin.confirmations.at(-1)?.confirmations).toMatchObject([{ follower: "app-1", applied: 5, prepared: [] }]);
  origin.withheld = () => false;
  await pass(1_000);
  expect(origin.confirmations.at(-1)?.confirmations).toMatchObject([{ applied: 5, prepared: ["r1"] }]);
});

test("everything is confirmed again to another instance", async () => {
  const world = await createReleasedWorld();
  const { origin, pass } = world;
  origin.mark({ release: "r1", at: 5 });
  await pass(100);
  const before = origin.confirmations.length;
  origin.stream().cut();
  await pass(200);
  expect(origin.confirmations.length).toBeGreaterThan(before);
  expect(origin.confirmations.at(-1)?.confirmations).toEqual([
    { follower: "app-1", applied: 4, reverted: ["r1"], prepared: ["r1"] },
  ]);
});

test("a candidate that the application does not take is said upward with the name of who refuses it", async () => {
  const world = await createReleasedWorld();
  world.replica.refuse({ release: "r1", reason: `prices "a" of v2: ${"x".repeat(5_000)}` });
  await world.pass(100);
  const refused = world.origin.confirmations.flatMap(({ confirmations }) =>
    confirmations.flatMap((c) => c.refused ?? []),
  );
  expect(refused).toEqual([
    { release: "r1", reason: expect.stringMatching(/^checkout does not take it: prices "a" of v2: x+$/) },
  ]);
  expect(refused[0]?.reason.length).toBe(1_000);
});
