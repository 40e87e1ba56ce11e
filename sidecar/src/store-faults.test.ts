import { Writable } from "node:stream";
import { createVirtualClock, type VirtualClock } from "@sluice/core";
import { settle } from "@sluice/replica/testing";
import { pino } from "pino";
import { expect, test } from "vitest";
import { createTestOrigin, pricedItems, type TestOrigin } from "./origin.testing.ts";
import { watchStore } from "./store-faults.ts";
import { createMemoryDisk, createMemoryStore, type WriteFate } from "./store/memory-store.ts";
import { logged, datasetCreated } from "./store/sample-events.ts";

const items = pricedItems(20);
const fine: WriteFate = { durable: true, answer: "ok" };
const full: WriteFate = { durable: false, answer: "DISK_FULL" };
const dead: WriteFate = { durable: false, answer: "STORE_UNAVAILABLE" };

interface World {
  readonly origin: TestOrigin;
  readonly clock: VirtualClock;
  /** What the process has written to its log. */
  readonly said: readonly { readonly msg: string; readonly times?: number }[];
  readonly become: (fate: WriteFate) => void;
  readonly pass: (durationMs: number) => Promise<void>;
  readonly reasons: () => Promise<readonly string[]>;
}

/** An origin with a release whose next step is due after 10 s. */
async function createWorld(): Promise<World> {
  const clock = createVirtualClock();
  const said: { msg: string }[] = [];
  let fate = fine;
  const origin = await createTestOrigin({
    items,
    clock,
    plan: {
      steps: [
        { thousandths: 5_000, holdMs: 10_000 },
        { thousandths: 50_000, holdMs: 10_000 },
      ],
      promotion: null,
    },
    store: { id: "log-1", clock, disk: createMemoryDisk(), fate: () => fate },
    logger: pino(
      { level: "error" },
      new Writable({
        write(line, _encoding, done) {
          said.push(JSON.parse(String(line)) as { msg: string });
          done();
        },
      }),
    ),
  });
  await origin.publish("prices", { ...items, "sku-1": { price: 7, currency: "CNY" } }, "?release=true");
  return {
    origin,
    clock,
    said,
    become: (next) => void (fate = next),
    async pass(durationMs) {
      for (let passedMs = 0; passedMs < durationMs; passedMs += 250) {
        clock.advance(250);
        await settle();
      }
    },
    reasons: async () => (await origin.status()).datasets[0]?.health.reasons ?? [],
  };
}

test("a dataset is not healthy while the store takes no step of its plan, and is again when the disk has room, though nobody gives a command", async () => {
  const { become, pass, reasons, origin } = await createWorld();
  await pass(5_000);
  expect(await reasons()).toEqual([]);
  become(full);
  await pass(10_000);
  expect(await reasons()).toEqual([
    "the store has taken nothing for 5 s (no room is left on its disk): no step is taken and nothing can be done but to revert",
  ]);
  become(fine);
  await pass(1_500);
  expect(await reasons()).toEqual([]);
  expect((await origin.status()).datasets[0]?.release?.thousandths).toBe(50_000);
});

test("a store that fails is asked by itself whether it does still, where nobody else has anything to write", async () => {
  const { become, pass, reasons, origin } = await createWorld();
  become(dead);
  await origin.post("/v1/datasets/prices/patch", { set: { "sku-2": { price: 3 } } });
  await pass(2_000);
  expect(await reasons()).toEqual([expect.stringContaining("(the disk failed, as it was told to)")]);
  become(fine);
  await pass(1_000);
  expect(await reasons()).toEqual([]);
});

test("a plan that cannot take its step says so once and then once a minute, not with every look", async () => {
  const { become, pass, said } = await createWorld();
  become(full);
  await pass(70_000);
  const steps = said.filter(({ msg }) => msg === "a plan could not take its step");
  expect(steps).toHaveLength(2);
  expect(steps[1]?.times).toBeGreaterThan(50);
  const store = said.filter(({ msg }) => msg === "the store does not take what is written to it");
  expect(store).toHaveLength(2);
  expect(said.length).toBeLessThan(10);
});

test("a disk that is full says so before anybody gives a command, by whatever else could not be written", async () => {
  const clock = createVirtualClock();
  let fate = full;
  const store = createMemoryStore({ id: "log-1", clock, disk: createMemoryDisk(), fate: () => fate });
  const watched = watchStore({ log: store.log, clock, logger: pino({ level: "silent" }) });
  await expect(watched.log.putDocument("guards", "{}")).rejects.toMatchObject({ code: "DISK_FULL" });
  await settle();
  clock.advance(1_500);
  await settle();
  expect(watched.faults()).toHaveLength(1);
  fate = fine;
  await watched.log.append({ expected: 0, events: logged(1, datasetCreated("a")), answers: [] });
  expect(watched.faults()).toEqual([]);
  watched.close();
  expect(clock.nextInMs()).toBeUndefined();
});

test("what was too large alone is no fault of the store, nor is a log that another origin wrote first", async () => {
  const clock = createVirtualClock();
  const store = createMemoryStore({
    id: "log-1",
    clock,
    disk: createMemoryDisk(),
    fate: (write) => (write.kind === "checkpoint" ? full : fine),
  });
  const watched = watchStore({ log: store.log, clock, logger: pino({ level: "silent" }) });
  await watched.log.putCheckpoint({ sequence: 0, at: 0, text: "{}" }).catch(() => undefined);
  const late = { expected: 7, events: logged(8, datasetCreated("a")), answers: [] };
  await expect(watched.log.append(late)).rejects.toMatchObject({ code: "CONFLICT" });
  await settle();
  clock.advance(60_000);
  expect(watched.faults()).toEqual([]);
});

test("a store that does not answer at all is a fault too", async () => {
  const clock = createVirtualClock();
  const store = createMemoryStore({ id: "log-1", clock, disk: createMemoryDisk(), fate: () => new Promise(() => {}) });
  const watched = watchStore({ log: store.log, clock, logger: pino({ level: "silent" }) });
  void watched.log.append({ expected: 0, events: logged(1, datasetCreated("a")), answers: [] });
  clock.advance(4_000);
  expect(watched.faults()).toEqual([]);
  clock.advance(3_000);
  expect(watched.faults()).toEqual([expect.stringContaining("taken nothing for 7 s (it does not answer)")]);
});
