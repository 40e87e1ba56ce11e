import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { protocolVersion } from "@sluice/core";
import type { HereReverts } from "@sluice/core/api";
import { afterEach, beforeEach, expect, test } from "vitest";
import { settle, until } from "./turns.testing.ts";
import { createReleasedWorld, type World } from "./world.testing.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-follower-here-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const by = { kind: "person", name: "anna" } as const;
const taken = (version: number): HereReverts => ({
  host: "host-7",
  version,
  reverts: [{ release: "r1", at: 5, by, reason: "here" }],
});
const lifted = (version: number): HereReverts => ({ host: "host-7", version, reverts: [] });

const confirmed = ({ origin }: World): unknown[] =>
  origin.confirmations.flatMap(({ confirmations }) =>
    confirmations.filter(({ here }) => here !== undefined).map(({ reverted, here }) => ({ reverted, here })),
  );

test("what a host has taken back takes effect the moment it comes, is confirmed, and is no revert", async () => {
  const world = await createReleasedWorld();
  const { origin, replica } = world;
  origin.stream().send({ type: "here", hosts: [taken(7)] });
  await settle();
  expect([...replica.snapshot().marks]).toEqual(["r1"]);
  expect(replica.feed.marks()).toEqual([]);
  expect(confirmed(world)).toEqual([{ reverted: [], here: [taken(7)] }]);
  origin.stream().send({ type: "here", hosts: [lifted(8)] });
  await settle();
  expect(replica.snapshot().marks.size).toBe(0);
  expect(confirmed(world).at(-1)).toEqual({ reverted: [], here: [lifted(8)] });
});

test("at a new stream it is no mark that is presented, and is confirmed again", async () => {
  const world = await createReleasedWorld();
  const { origin, replica } = world;
  origin.stream().send({ type: "here", hosts: [taken(7)] });
  await settle();
  origin.stream().cut();
  await world.pass(3_000);
  expect(origin.stream().query.marks).toEqual([]);
  expect([...replica.snapshot().marks]).toEqual(["r1"]);
  expect(confirmed(world)).toHaveLength(2);
  expect(origin.confirmations.flatMap(({ confirmations }) => confirmations.flatMap((each) => each.reverted))).toEqual(
    [],
  );
});

test("it is confirmed once the disk has it, and the next start from that disk heeds it before any contact", async () => {
  const world = await createReleasedWorld(directory);
  const { origin, another } = world;
  origin.stream().send({ type: "here", hosts: [taken(7)] });
  await until(() => confirmed(world).length > 0);
  await world.replica.close();
  origin.down = true;
  const again = another({ directory });
  await again.start();
  expect([...again.snapshot().marks]).toEqual(["r1"]);
  await again.close();
});

test("what a host said while the whole state of another log was on its way holds with that state", async () => {
  const world = await createReleasedWorld();
  const { log, origin, replica } = world;
  origin.greet = async (stream) => {
    stream.send({ type: "hello", protocol: protocolVersion, log: "log-2", instance: "origin-2" });
    stream.send({ type: "here", hosts: [taken(7)] });
    await settle();
    expect(replica.snapshot().marks.size).toBe(0);
    stream.send({ ...(await origin.whole()), state: { ...log.state() } });
  };
  origin.stream().cut();
  await world.pass(3_000);
  expect(replica.snapshot().log).toBe("log-2");
  expect([...replica.snapshot().marks]).toEqual(["r1"]);
});
