import { createVirtualClock, type JsonValue, type VirtualClock } from "@sluice/core";
import { createReplica } from "./follower.ts";
import { createTestLog, type Items, type Model, readAll, type TestLog } from "./log.testing.ts";
import { createTestOrigin, type TestOrigin } from "./origin.testing.ts";
import type { Replica, ReplicaOptions, SnapshotChange } from "./replica.ts";
import { pass, settle, until } from "./turns.testing.ts";

/** A replica that follows an origin in this process, on a clock that stands still. */
export interface World {
  readonly clock: VirtualClock;
  readonly log: TestLog;
  readonly origin: TestOrigin;
  readonly replica: Replica;
  readonly changes: SnapshotChange[];
  /** Moves on and lets everything run that falls due. */
  readonly pass: (durationMs: number) => Promise<void>;
  /** Another replica of the same origin, on the same clock. */
  readonly another: (change?: Partial<ReplicaOptions>) => Replica;
  readonly shown: (dataset?: string) => Model;
}

/** Plain items. */
export function itemsOf(entries: Readonly<Record<string, JsonValue>>): Items {
  return new Map(Object.entries(entries));
}

/** Makes a log with a dataset `prices` of one version (`a` is 1), and a replica that has not been started. */
export async function createWorld(change: Partial<ReplicaOptions> = {}): Promise<World> {
  const clock = createVirtualClock();
  const log = createTestLog({ clock });
  log.create("prices");
  await log.publish("prices", itemsOf({ a: 1 }), true);
  const origin = createTestOrigin({ log });
  const another: World["another"] = (its = {}) =>
    createReplica({
      urls: ["http://a"],
      id: "app-1",
      name: "checkout",
      kind: "sdk",
      datasets: null,
      directory: null,
      fetch: origin.fetch,
      clock,
      random: () => 0.5,
      ...its,
    });
  const replica = another(change);
  const changes: SnapshotChange[] = [];
  replica.subscribe((each) => void changes.push(each));
  return {
    clock,
    log,
    origin,
    replica,
    changes,
    another,
    pass: (durationMs) => pass(clock, durationMs),
    shown: (dataset = "prices") => shownBy(replica, dataset),
  };
}

/** The same with the replica started and everything prepared. */
export async function createStartedWorld(change: Partial<ReplicaOptions> = {}): Promise<World> {
  const world = await createWorld(change);
  await world.replica.start();
  await settle();
  return world;
}

/** The same with a candidate that is out to 5 % and prepared. */
export async function createReleasedWorld(directory: string | null = null): Promise<World> {
  const world = await createStartedWorld({ directory });
  const { log, origin, replica } = world;
  await until(() => holds(replica, "stable"));
  origin.send(await log.publish("prices", itemsOf({ a: 2 }), false), log.release("prices", "r1"));
  await until(() => holds(replica, "candidate"));
  await world.pass(100);
  return world;
}

/** What a replica shows of a dataset. */
export function shownBy(replica: Replica, dataset = "prices"): Model {
  const { stable = null, candidate = null } = replica.snapshot().datasets.get(dataset) ?? {};
  return { stable: readAll(stable), candidate: readAll(candidate) };
}

/** Whether a replica shows something of a line. */
export function holds(replica: Replica, line: "stable" | "candidate", dataset = "prices"): boolean {
  const lines = replica.snapshot().datasets.get(dataset);
  return lines !== undefined && lines[line] !== null;
}
