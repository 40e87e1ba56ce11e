import type { Command, LoggedEvent } from "@sluice/core";
import { createVirtualClock, defaultPlan, emptyState, SluiceError } from "@sluice/core";
import { settle } from "@sluice/replica/testing";
import { pino } from "pino";
import { expect, test } from "vitest";
import type { Commands } from "./commands.ts";
import { createCommands } from "./commands.ts";
import { answerOf, createTestOrigin, failures, pricedItems } from "./origin.testing.ts";
import type { WriteFate } from "./store/memory-store.ts";
import { createMemoryDisk, createMemoryStore } from "./store/memory-store.ts";

const by = { kind: "person", name: "anna" } as const;
const create = (dataset: string): { by: typeof by; command: Command } => ({
  by,
  command: { type: "create-dataset", dataset, policy: "canary", plan: defaultPlan, checks: [] },
});

/** Commands over a memory store whose appends end as `fates` say, one after the other, and well from then on. */
function createWorld(
  fates: WriteFate[],
  onRead: () => void = () => {},
): {
  commands: Commands;
  told: LoggedEvent[];
  clock: ReturnType<typeof createVirtualClock>;
} {
  const clock = createVirtualClock();
  const disk = createMemoryDisk();
  const store = createMemoryStore({
    id: "log-1",
    clock,
    disk,
    fate: () => fates.shift() ?? { durable: true, answer: "ok" },
  });
  const lines = { current: () => new Map(), fold: () => {} };
  const commands = createCommands({
    log: {
      ...store.log,
      read(after, options) {
        onRead();
        return store.log.read(after, options);
      },
    },
    clock,
    logger: pino({ level: "silent" }),
    initial: emptyState,
    lines,
  });
  const told: LoggedEvent[] = [];
  commands.subscribe({ events: (events) => void told.push(...events) });
  return { commands, told, clock };
}

test("a command that the store refused has changed nothing, and the next one goes through", async () => {
  const { commands, told } = createWorld([{ durable: false, answer: "DISK_FULL" }]);
  await expect(commands.execute(create("prices"))).rejects.toMatchObject({ code: "DISK_FULL" });
  expect(commands.state()).toEqual(emptyState);
  await commands.execute(create("stock"));
  expect(told.map(({ sequence }) => sequence)).toEqual([1]);
});

test("an append whose answer was lost is in the log, and the commands go on from there", async () => {
  const { commands, told } = createWorld([{ durable: true, answer: "STORE_UNAVAILABLE" }]);
  await expect(commands.execute(create("prices"))).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  await commands.execute(create("stock"));
  expect(Object.keys(commands.state().datasets)).toEqual(["prices", "stock"]);
  expect(told.map(({ sequence }) => sequence)).toEqual([1, 2]);
  await expect(commands.execute(create("prices"))).rejects.toMatchObject({ code: "DATASET_EXISTS" });
});

test("while nobody can say whether an earlier change happened, the next command is not refused for lacking it", async () => {
  let readable = true;
  const { commands, clock } = createWorld([{ durable: true, answer: "STORE_UNAVAILABLE" }], () => {
    if (!readable) throw new SluiceError("STORE_UNAVAILABLE", "the disk does not answer");
  });
  await expect(commands.execute(create("prices"))).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  readable = false;
  const lift: Command = { type: "lift-quarantine", dataset: "prices", publish: 1, keys: null, reason: "looked" };
  await expect(commands.execute({ by, command: lift })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  readable = true;
  clock.advance(500);
  await settle();
  expect((await commands.execute({ by, command: lift })).decision.kind).toBe("unchanged");
});

test("an append whose answer was lost is told of although nobody asks for anything more", async () => {
  const { commands, told, clock } = createWorld([{ durable: true, answer: "STORE_UNAVAILABLE" }]);
  await expect(commands.execute(create("prices"))).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  clock.advance(500);
  await settle();
  expect(told.map(({ sequence }) => sequence)).toEqual([1]);
  clock.advance(60_000);
  await commands.close();
  expect(clock.nextInMs()).toBeUndefined();
});

test("commands given together are decided one after the other", async () => {
  const { commands } = createWorld([]);
  const settled = await Promise.allSettled(
    [create("prices"), create("prices"), create("stock")].map((given) => commands.execute(given)),
  );
  expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});

test("a revert while the store is down is announced at once, answered as not durable, and becomes durable by itself", async () => {
  let down = false;
  const clock = createVirtualClock();
  const fate = (): WriteFate =>
    down ? { durable: false, answer: "STORE_UNAVAILABLE" } : { durable: true, answer: "ok" };
  const items = pricedItems(20);
  const origin = await createTestOrigin({ items, store: { id: "log-1", clock, disk: createMemoryDisk(), fate } });
  const { release } = await answerOf(
    origin.publish("prices", { ...items, "sku-1": { price: 7, currency: "CNY" } }, "?release=true&thousandths=100000"),
  );
  down = true;
  const reverted = await answerOf(origin.post("/v1/datasets/prices/revert", { reason: "wrong" }));
  expect(reverted).toMatchObject({
    status: 200,
    outcome: "done",
    release,
    receipt: { durable: false, sequence: null },
  });
  expect(await answerOf(origin.request("/v1/datasets/prices/items/sku-1?as=anna"))).toMatchObject({ version: 1 });
  down = false;
  origin.clock.advance(600);
  await settle();
  expect((await origin.status()).datasets[0]).toMatchObject({
    release: null,
    lastRevert: { receipt: { durable: true } },
  });
});

test("a mark that a follower presents is recorded where its release is active, and ignored where it is not", async () => {
  const items = pricedItems(20);
  const origin = await createTestOrigin({ items });
  const { release } = await answerOf(
    origin.publish("prices", { ...items, "sku-1": { price: 7, currency: "CNY" } }, "?release=true"),
  );
  const follow = async (): Promise<void> => {
    const stream = await origin.request(
      `/v1/follow?id=f&name=shop&kind=sdk&log=log-1&from=0&marks=${release},no-release`,
    );
    await stream.body?.cancel();
    await settle();
  };
  await follow();
  const after = await origin.status();
  expect(after.datasets[0]).toMatchObject({ release: null, lastRevert: { release } });
  await follow();
  expect((await origin.status()).sequence).toBe(after.sequence);
});

test("a mark is presented also by a follower that wants the whole state", async () => {
  const items = pricedItems(20);
  const origin = await createTestOrigin({ items });
  const { release } = await answerOf(
    origin.publish("prices", { ...items, "sku-1": { price: 7, currency: "CNY" } }, "?release=true"),
  );
  const stream = await origin.request(`/v1/follow?id=f&name=shop&kind=sdk&from=0&marks=${release}`);
  await stream.body?.cancel();
  await settle();
  expect((await origin.status()).datasets[0]).toMatchObject({ release: null, lastRevert: { release } });
});

test("a revert that is asked for again and again while the store is down is tried once in half a second, and asked for by the guard once", async () => {
  let down = false;
  let appends = 0;
  const clock = createVirtualClock();
  const fate = ({ kind }: { kind: string }): WriteFate => {
    if (kind === "append") appends += 1;
    return down ? { durable: false, answer: "STORE_UNAVAILABLE" } : { durable: true, answer: "ok" };
  };
  const items = pricedItems(20);
  const origin = await createTestOrigin({ items, store: { id: "log-1", clock, disk: createMemoryDisk(), fate } });
  const { release } = await answerOf(
    origin.publish("prices", { ...items, "sku-1": { price: 7, currency: "CNY" } }, "?release=true&thousandths=5000"),
  );
  down = true;
  for (let asked = 0; asked < 20; asked++) await origin.post("/v1/datasets/prices/revert", { reason: "wrong" });
  appends = 0;
  origin.clock.advance(500);
  await settle();
  expect(appends).toBe(1);
  // Each report that comes in is a look of the guard, which has said what it wants already.
  for (let sequence = 1; sequence <= 20; sequence++) {
    await origin.post("/v1/outcomes", failures(String(release), sequence, { candidateFailures: 5, ok: 100 }));
  }
  await settle();
  expect(appends).toBe(1);
  down = false;
  origin.clock.advance(500);
  await settle();
  expect((await origin.status()).datasets[0]).toMatchObject({ release: null, lastRevert: { release } });
});

test("a revert that is owed to the log comes before whatever is asked next, and marks what it was asked for", async () => {
  const fates: WriteFate[] = [];
  const clock = createVirtualClock();
  const fate = (): WriteFate => fates.shift() ?? { durable: true, answer: "ok" };
  const items = pricedItems(20);
  const origin = await createTestOrigin({ items, store: { id: "log-1", clock, disk: createMemoryDisk(), fate } });
  const priced = (price: number): typeof items => ({ ...items, "sku-1": { price, currency: "CNY" } });
  await origin.publish("prices", priced(7), "?release=true&thousandths=5000");
  fates.push({ durable: false, answer: "STORE_UNAVAILABLE" });
  await origin.post("/v1/datasets/prices/revert", { reason: "wrong" });
  const corrected = await answerOf(origin.publish("prices", priced(8), "?release=true&supersede=true"));
  expect(corrected).toMatchObject({ status: 200, outcome: "started" });
  origin.clock.advance(500);
  await settle();
  expect((await origin.status()).datasets[0]).toMatchObject({
    release: { id: corrected.release },
    quarantine: [{ publish: 2 }],
  });
});

test("a revert that is owed is tried once more at the end", async () => {
  let down = false;
  const clock = createVirtualClock();
  const disk = createMemoryDisk();
  const fate = (): WriteFate =>
    down ? { durable: false, answer: "STORE_UNAVAILABLE" } : { durable: true, answer: "ok" };
  const items = pricedItems(20);
  const origin = await createTestOrigin({ items, store: { id: "log-1", clock, disk, fate } });
  const { release } = await answerOf(
    origin.publish("prices", { ...items, "sku-1": { price: 7, currency: "CNY" } }, "?release=true"),
  );
  down = true;
  await origin.post("/v1/datasets/prices/revert", { reason: "wrong" });
  down = false;
  await origin.origin.close();
  const after = await createTestOrigin({ store: { id: "log-1", clock, disk } });
  expect((await after.status()).datasets[0]).toMatchObject({ release: null, lastRevert: { release } });
});

test("a revert that was owed to the log and is repeated with its key takes back nothing that came after it", async () => {
  const fates: WriteFate[] = [];
  const clock = createVirtualClock();
  const fate = (): WriteFate => fates.shift() ?? { durable: true, answer: "ok" };
  const items = pricedItems(20);
  const origin = await createTestOrigin({ items, store: { id: "log-1", clock, disk: createMemoryDisk(), fate } });
  const priced = (price: number): typeof items => ({ ...items, "sku-1": { price, currency: "CNY" } });
  await origin.publish("prices", priced(7), "?release=true&thousandths=5000");
  fates.push({ durable: false, answer: "STORE_UNAVAILABLE" });
  const revert = (): ReturnType<typeof answerOf> =>
    answerOf(origin.post("/v1/datasets/prices/revert", { reason: "wrong" }, { "idempotency-key": "night-1" }));
  const first = await revert();
  const corrected = await answerOf(origin.publish("prices", priced(8), "?release=true&supersede=true"));
  expect(corrected).toMatchObject({ status: 200, outcome: "started" });
  expect(await revert()).toMatchObject({ status: 200, outcome: "done", release: first.release });
  expect((await origin.status()).datasets[0]).toMatchObject({ release: { id: corrected.release } });
});
