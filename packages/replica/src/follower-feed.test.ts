import { protocolVersion, type LoggedEvent } from "@sluice/core";
import type { Frame } from "@sluice/core/api";
import { expect, test } from "vitest";
import { endOf } from "./local.testing.ts";
import { createTestOrigin, type TestOrigin, type TestStream } from "./origin.testing.ts";
import type { Replica } from "./replica.ts";
import { settle } from "./turns.testing.ts";
import { createWorld, itemsOf, shownBy, type World } from "./world.testing.ts";

/** What a sidecar makes of a replica's feed: an instance that others follow. */
function createFeedOrigin(replica: Replica, world: World): TestOrigin {
  const { feed } = replica;
  const origin = createTestOrigin({ log: { ...world.log, blobs: feed.blobs } });
  const all = (frame: Frame): void => {
    for (const stream of origin.streams) stream.send(frame);
  };
  const whole = async (): Promise<Frame> => ({ type: "state", ...(await feed.snapshot()) });
  origin.greet = async (stream: TestStream) => {
    stream.send({ type: "hello", protocol: protocolVersion, log: feed.log() ?? "none", instance: "sidecar-1" });
    for (const release of stream.query.marks) feed.present({ release, at: 0 });
    const events: readonly LoggedEvent[] | null =
      stream.query.log === feed.log() ? feed.since(stream.query.from) : null;
    stream.send(events === null ? await whole() : { type: "events", events });
    for (const mark of feed.marks()) stream.send({ type: "mark", mark });
    stream.send({ type: "heartbeat", sequence: feed.state().sequence, ageMs: feed.contactAgeMs() ?? 1e12 });
  };
  feed.subscribe({
    events: (events) => all({ type: "events", events }),
    mark: (mark) => all({ type: "mark", mark }),
    reset: () => void whole().then(all),
  });
  return origin;
}

interface Chain extends World {
  /** Between the origin and the SDK. */
  readonly sidecar: Replica;
  readonly between: TestOrigin;
  readonly sdk: Replica;
}

async function createChain(): Promise<Chain> {
  const world = await createWorld({ kind: "sidecar", id: "sidecar-1" });
  const sidecar = world.replica;
  await sidecar.start();
  await settle();
  const between = createFeedOrigin(sidecar, world);
  const sdk = world.another({ id: "app-1", fetch: between.fetch });
  await sdk.start();
  await settle();
  return { ...world, sidecar, between, sdk };
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

test("a follower is told of nothing that is not prepared above it, but of a revert at once", async () => {
  const { log, origin, sidecar, sdk, pass } = await createChain();
  origin.send(await log.publish("prices", itemsOf({ a: 2 }), false), log.release("prices", "r1"));
  await settle();
  expect(shownBy(sdk).candidate).toEqual(itemsOf({ a: 2 }));
  const names = new Set(await log.blobs.list());
  origin.withheld = (name) => !names.has(name);
  origin.send(log.create("stock"), await log.publish("stock", itemsOf({ s: 1 }), true));
  origin.send(log.append(endOf("release-reverted", "r1")));
  await settle();
  expect(sidecar.snapshot().state.sequence).toBe(7);
  expect(sidecar.feed.state().sequence).toBe(5);
  expect(sdk.snapshot().state.sequence).toBe(5);
  expect([...sdk.snapshot().marks]).toEqual(["r1"]);

  origin.withheld = () => false;
  await pass(1_000);
  expect(sdk.snapshot().state).toEqual(log.state());
  expect(sdk.snapshot().marks.size).toBe(0);
  expect(shownBy(sdk, "stock").stable).toEqual(itemsOf({ s: 1 }));
});

test("who connects while a revert waits behind content is told of the revert as a mark", async () => {
  const chain = await createChain();
  const { log, origin, between } = chain;
  origin.send(await log.publish("prices", itemsOf({ a: 2 }), false), log.release("prices", "r1"));
  await settle();
  const names = new Set(await log.blobs.list());
  origin.withheld = (name) => !names.has(name);
  origin.send(log.create("stock"), await log.publish("stock", itemsOf({ s: 1 }), true));
  origin.send(log.append(endOf("release-reverted", "r1")));
  await settle();
  const late = chain.another({ id: "app-2", fetch: between.fetch });
  await late.start();
  await settle();
  expect([...late.snapshot().marks]).toEqual(["r1"]);
});

test("marks that come with a whole state are passed down before its content is here", async () => {
  const chain = await createChain();
  const { log, origin, sdk, pass } = chain;
  origin.send(await log.publish("prices", itemsOf({ a: 2 }), false), log.release("prices", "r1"));
  await settle();
  const names = new Set(await log.blobs.list());
  origin.withheld = (name) => !names.has(name);
  log.create("stock");
  await log.publish("stock", itemsOf({ s: 1 }), true);
  const whole = { ...(await origin.whole()), marks: [{ release: "r1", at: 5 }] };
  origin.greet = async (stream) => {
    stream.send({ type: "hello", protocol: protocolVersion, log: log.id, instance: "origin-1" });
    stream.send(whole);
  };
  origin.stream().cut();
  await pass(200);
  expect(sdk.snapshot().state.sequence).toBe(4);
  expect([...sdk.snapshot().marks]).toEqual(["r1"]);
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
