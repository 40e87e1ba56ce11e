import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { protocolVersion, type LoggedEvent } from "@sluice/core";
import type { Frame } from "@sluice/core/api";
import { expect, onTestFinished, test } from "vitest";
import { endOf } from "./local.testing.ts";
import { createTestOrigin, type TestOrigin, type TestStream } from "./origin.testing.ts";
import type { Replica, ReplicaOptions } from "./replica.ts";
import { passUntil, settle, until } from "./turns.testing.ts";
import { createWorld, holds, itemsOf, shownBy, type World } from "./world.testing.ts";

/** What a sidecar makes of a replica's feed: an instance that others follow. */
function createFeedOrigin(replica: Replica, world: World): TestOrigin {
  const { feed } = replica;
  const origin = createTestOrigin({
    log: { ...world.log, blobs: feed.blobs },
    arrival: (name) => replica.arrival(name),
  });
  const all = (frame: Frame): void => {
    for (const stream of origin.streams) stream.send(frame);
  };
  const whole = async (): Promise<readonly Frame[]> => {
    const { state, lines, marks } = await feed.snapshot();
    return [
      { type: "state", state, lines, marks },
      { type: "events", events: feed.since(state.sequence) ?? [] },
    ];
  };
  origin.greet = async (stream: TestStream) => {
    stream.send({ type: "hello", protocol: protocolVersion, log: feed.log() ?? "none", instance: "sidecar-1" });
    for (const release of stream.query.marks) feed.present({ release, at: 0 });
    const events: readonly LoggedEvent[] | null =
      stream.query.log === feed.log() ? feed.since(stream.query.from) : null;
    for (const frame of events === null ? await whole() : [{ type: "events", events } as const]) stream.send(frame);
    for (const mark of feed.marks()) stream.send({ type: "mark", mark });
    stream.send({ type: "heartbeat", sequence: feed.state().sequence, ageMs: feed.contactAgeMs() ?? 1e12 });
  };
  feed.subscribe({
    events: (events) => all({ type: "events", events }),
    mark: (mark) => all({ type: "mark", mark }),
    reset: () => void whole().then((frames) => frames.forEach(all)),
  });
  return origin;
}

interface Chain extends World {
  /** Between the origin and the SDK. */
  readonly sidecar: Replica;
  /** What it serves, and what its next process does. */
  between: TestOrigin;
  readonly sdk: Replica;
}

async function createChain(change: Partial<ReplicaOptions> = {}): Promise<Chain> {
  const world = await createWorld({ kind: "sidecar", id: "sidecar-1", ...change });
  const sidecar = world.replica;
  await sidecar.start();
  await until(() => holds(sidecar, "stable"), "the first version");
  const sdk = world.another({ id: "app-1", fetch: (...asked) => chain.between.fetch(...asked) });
  const chain: Chain = { ...world, sidecar, between: createFeedOrigin(sidecar, world), sdk };
  await sdk.start();
  await settle();
  return chain;
}

test("a follower of a follower holds what the origin holds", async () => {
  const { log, origin, sdk } = await createChain();
  expect(shownBy(sdk)).toEqual({ stable: itemsOf({ a: 1 }), candidate: null });
  origin.send(
    log.patch("prices", itemsOf({ b: 2 })),
    await log.publish("prices", itemsOf({ a: 2 }), false),
    log.release("prices", "r1"),
  );
  await settle();
  expect(sdk.snapshot().state).toEqual(log.state());
  expect(shownBy(sdk)).toEqual(log.models().get("prices"));
});

/** A chain in which content of what is published from now on does not reach the sidecar, and stock has a version. */
async function createHeldChain(change: Partial<ReplicaOptions> = {}): Promise<Chain> {
  const chain = await createChain(change);
  const { log, origin, sdk } = chain;
  origin.send(log.create("stock"), await log.publish("stock", itemsOf({ s: 1 }), true));
  await until(() => holds(sdk, "stable", "stock"), "the first version of stock");
  const names = new Set(await log.blobs.list());
  origin.withheld = (name) => !names.has(name);
  return chain;
}

test("while a sidecar waits for content of one dataset, what happens to the others passes through it", async () => {
  const { log, origin, sidecar, sdk, pass } = await createHeldChain();
  origin.send(await log.publish("prices", itemsOf({ a: 2 }), false), log.release("prices", "r1"));
  origin.send(log.patch("stock", itemsOf({ s: 2 })));
  await settle();
  expect(sdk.snapshot().state).toEqual(log.state());
  expect(shownBy(sdk, "stock").stable).toEqual(itemsOf({ s: 2 }));
  expect([shownBy(sidecar), shownBy(sdk)]).toEqual(
    Array.from({ length: 2 }, () => ({ stable: itemsOf({ a: 1 }), candidate: null })),
  );
  origin.send(log.append(endOf("release-reverted", "r1")), await log.publish("prices", itemsOf({ a: 3 }), true));
  origin.send(log.patch("stock", itemsOf({ s: 3 })));
  await settle();
  expect(shownBy(sdk, "stock").stable).toEqual(itemsOf({ s: 3 }));

  origin.withheld = () => false;
  await pass(1_000);
  expect(shownBy(sdk)).toEqual({ stable: itemsOf({ a: 3 }), candidate: null });
  expect(sdk.counts()).toMatchObject({ failedFetches: 0, mismatches: 0, gaps: 0 });
});

test("what an SDK confirms as prepared it holds itself, whatever it was told of", async () => {
  const { log, origin, between, pass } = await createHeldChain();
  origin.send(await log.publish("prices", itemsOf({ a: 2 }), false), log.release("prices", "r1"));
  await pass(1_000);
  const prepared = (): readonly string[] =>
    between.confirmations.flatMap(({ confirmations }) => confirmations.flatMap((its) => its.prepared));
  expect(prepared()).toEqual([]);
  origin.withheld = () => false;
  await pass(1_000);
  expect(prepared()).toEqual(["r1"]);
});

test("who comes while a sidecar waits for content is served what was there before, and the rest as it comes", async () => {
  const chain = await createHeldChain();
  const { log, origin, between, pass } = chain;
  origin.send(await log.publish("prices", itemsOf({ a: 2 }), true), log.patch("stock", itemsOf({ s: 2 })));
  await settle();
  const late = chain.another({ id: "app-2", fetch: between.fetch });
  await late.start();
  await settle();
  expect(late.snapshot().state).toEqual(log.state());
  expect([shownBy(late).stable, shownBy(late, "stock").stable]).toEqual([itemsOf({ a: 1 }), itemsOf({ s: 2 })]);
  origin.send(log.patch("stock", itemsOf({ s: 3 })));
  await settle();
  expect(shownBy(late, "stock").stable).toEqual(itemsOf({ s: 3 }));

  origin.withheld = () => false;
  await pass(1_000);
  expect(shownBy(late).stable).toEqual(itemsOf({ a: 2 }));
  expect(late.counts().failedFetches).toBe(0);
});

test("a sidecar that starts again while it waits for content goes on telling, to those it had and to new ones", async () => {
  const directory = mkdtempSync(join(tmpdir(), "sluice-replica-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const chain = await createHeldChain({ directory });
  const { log, origin, between, sidecar, sdk, clock } = chain;
  origin.send(await log.publish("prices", itemsOf({ a: 2 }), true), log.patch("prices", itemsOf({ b: 2 })));
  await until(() => sdk.snapshot().state.sequence === log.state().sequence, "the publish");
  await sidecar.close();
  between.down = true;
  between.stream().cut();
  origin.send(log.patch("stock", itemsOf({ s: 2 })));

  const again = chain.another({ kind: "sidecar", id: "sidecar-2", directory });
  await again.start();
  await passUntil(clock, () => again.snapshot().state.sequence === log.state().sequence, "the sidecar to follow again");
  chain.between = createFeedOrigin(again, chain);
  const late = chain.another({ id: "app-2", fetch: chain.between.fetch });
  await late.start();
  for (const replica of [sdk, late]) {
    await passUntil(clock, () => shownBy(replica, "stock").stable?.get("s") === 2, "the patch of stock");
  }
  expect([shownBy(sdk).stable, shownBy(late).stable]).toEqual([itemsOf({ a: 1 }), null]);

  origin.withheld = () => false;
  for (const replica of [sdk, late]) {
    await passUntil(clock, () => shownBy(replica).stable?.get("a") === 2, "the version that was waited for");
    expect(shownBy(replica)).toEqual(log.models().get("prices"));
  }
  for (const replica of [sdk, late, again]) await replica.close();
});

test("a revert that comes with a whole state is passed down ahead of it", async () => {
  const { log, origin, between, sdk, pass } = await createHeldChain();
  const names = new Set(await log.blobs.list());
  origin.withheld = () => false;
  origin.send(await log.publish("prices", itemsOf({ a: 2 }), false), log.release("prices", "r1"));
  await settle();
  expect(shownBy(sdk).candidate).toEqual(itemsOf({ a: 2 }));
  origin.withheld = (name) => !names.has(name);
  await log.publish("stock", itemsOf({ s: 5 }), true);
  log.append(endOf("release-reverted", "r1"));
  const whole = await origin.whole();
  origin.greet = async (stream) => {
    stream.send({ type: "hello", protocol: protocolVersion, log: log.id, instance: "origin-1" });
    stream.send(whole);
  };
  const sent: string[] = [];
  const stream = between.stream();
  const { send } = stream;
  Object.assign(stream, {
    send(frame: Frame) {
      sent.push(frame.type);
      send(frame);
    },
  });
  origin.stream().cut();
  await pass(200);
  expect(sent).toEqual(["mark", "state", "events"]);
  expect(sdk.snapshot().state).toEqual(log.state());
  expect(shownBy(sdk).candidate).toBe(null);
});

test("a sidecar's followers resume where they were, from what it has kept", async () => {
  const { log, origin, between, sdk, pass } = await createChain();
  between.stream().cut();
  await settle();
  origin.send(log.patch("prices", itemsOf({ b: 2 })), log.patch("prices", itemsOf({ c: 3 })));
  await settle();
  await pass(200);
  expect(between.stream().query).toMatchObject({ log: "log-1", from: 2 });
  expect(shownBy(sdk)).toEqual(log.models().get("prices"));
});

test("a replica of an SDK keeps no events for others", async () => {
  const { log, origin, replica } = await createWorld();
  await replica.start();
  await settle();
  origin.send(log.patch("prices", itemsOf({ b: 2 })));
  await settle();
  expect(replica.since(2)).toBe(null);
  expect(replica.feed.since(2)).toBe(null);
});

test("a mark that a follower holds goes up through the sidecar to the origin, and down to everybody", async () => {
  const chain = await createChain();
  const { log, origin, between, sidecar, sdk, pass } = chain;
  origin.send(await log.publish("prices", itemsOf({ a: 2 }), false), log.release("prices", "r1"));
  await settle();
  const holder = chain.another({ id: "app-2", fetch: between.fetch });
  holder.present({ release: "r1", at: 1 });
  await holder.start();
  await pass(100);
  expect([...sidecar.snapshot().marks]).toEqual(["r1"]);
  expect([...sdk.snapshot().marks]).toEqual(["r1"]);
  expect(origin.stream().query.marks).toEqual(["r1"]);
});

test("the lease is the sum of the hops: a sidecar that lost its origin gives none that is newer than its own contact", async () => {
  const { origin, between, sidecar, sdk, pass } = await createChain();
  origin.down = true;
  origin.stream().cut();
  await pass(4_000);
  between.heartbeat(sidecar.contactAgeMs() ?? 0);
  await settle();
  expect(sdk.contactAgeMs()).toBe(4_000);
  expect(sdk.leaseHeld()).toBe(true);
  await pass(3_000);
  between.heartbeat(sidecar.contactAgeMs() ?? 0);
  await pass(3_000);
  expect(sdk.leaseHeld()).toBe(false);
});

test("outcomes of followers go up merged, each counted once", async () => {
  const { origin, sidecar, pass } = await createChain();
  const report = {
    release: "r1",
    epoch: 1,
    candidate: { ok: 3, failures: { http: { count: 1, distinct: 1 } }, units: [4] },
    control: { ok: 2, failures: {}, units: [] },
    served: { candidate: 4, stable: 2 },
  };
  for (const reporter of ["app-1", "app-2", "app-2"])
    sidecar.reporter.merge({ reporter, sequence: 1, reports: [report] });
  await pass(20);
  expect(origin.outcomes).toEqual([
    {
      reporter: "sidecar-1",
      sequence: 1,
      reports: [
        {
          release: "r1",
          epoch: 1,
          candidate: { ok: 6, failures: { http: { count: 2, distinct: 2 } }, units: [4] },
          control: { ok: 4, failures: {}, units: [] },
          served: { candidate: 8, stable: 4 },
        },
      ],
    },
  ]);
});
