import type { VirtualClock } from "@sluice/core";
import { createVirtualClock, leaseMs } from "@sluice/core";
import type { Confirmation, FollowerInfo } from "@sluice/core/api";
import { receiptSchema } from "@sluice/core/api";
import { pino } from "pino";
import { expect, test } from "vitest";
import type { Registry } from "./followers/registry.ts";
import { createRegistry } from "./followers/registry.ts";
import type { Receipts } from "./receipts.ts";
import { createReceipts } from "./receipts.ts";

function create(followers: number): { clock: VirtualClock; registry: Registry; receipts: Receipts } {
  const clock = createVirtualClock();
  const registry = createRegistry({ clock, logger: pino({ level: "silent" }), leaseMs });
  for (let index = 0; index < followers; index += 1) {
    registry.connected({ id: `f${index}`, name: `shop ${index}`, kind: "sdk" });
  }
  return { clock, registry, receipts: createReceipts({ clock, registry }) };
}

const shop = (id: string): FollowerInfo => ({ id, name: "shop", kind: "sdk" });

function confirm(registry: Registry, follower: number, more: Partial<Confirmation>): void {
  const confirmation = { follower: `f${follower}`, applied: 0, reverted: [], prepared: [], ...more };
  registry.receive({ confirmations: [confirmation], children: null });
}

test("a receipt counts from the announcement by the monotonic clock, whatever the wall clock does", () => {
  const { clock, registry, receipts } = create(100);
  const announcedAt = clock.wall();
  receipts.open({ action: "percentage", release: "r", sequence: 7 });
  clock.jumpWall(-3_600_000);
  for (let follower = 0; follower < 100; follower += 1) {
    clock.advance(1);
    confirm(registry, follower, { applied: 7 });
  }
  const receipt = receipts.get("r", "percentage");
  expect(receipt).toEqual({
    action: "percentage",
    release: "r",
    sequence: 7,
    durable: true,
    announcedAt,
    expected: 100,
    confirmed: 100,
    p50Ms: 50,
    p99Ms: 99,
    lastMs: 100,
    missing: [],
    away: [],
    awayTotal: 0,
  });
  expect(receiptSchema.parse(receipt)).toEqual(receipt);
});

test("before the first confirmation there are no delays, and who is missing is named", () => {
  const { receipts } = create(2);
  expect(receipts.open({ action: "start", release: "r", sequence: 3 })).toMatchObject({
    expected: 2,
    confirmed: 0,
    p50Ms: null,
    p99Ms: null,
    lastMs: null,
    missing: ["shop 0", "shop 1"],
  });
});

test("an older version that came back is confirmed by who has its files, and not by who has heard of it", () => {
  const { clock, registry, receipts } = create(2);
  const name = "prices-v59-restored";
  receipts.open({ action: "restore", release: name, sequence: 7 });
  confirm(registry, 0, { applied: 7 });
  expect(receipts.get(name, "restore")).toMatchObject({ expected: 2, confirmed: 0, durable: true });
  clock.advance(40);
  confirm(registry, 0, { applied: 7, prepared: [name] });
  expect(receipts.get(name, "restore")).toMatchObject({ confirmed: 1, lastMs: 40, missing: ["shop 1"] });
  receipts.open({ action: "restore", release: name, sequence: 7 });
  expect(receipts.get(name, "restore")).toMatchObject({ expected: 2, confirmed: 1 });
});

test("at most 100 of the missing are named", () => {
  const { receipts } = create(150);
  const receipt = receipts.open({ action: "start", release: "r", sequence: 3 });
  expect([receipt.expected, receipt.missing.length]).toEqual([150, 100]);
});

test("a confirmation counts from the command's sequence number on, and once", () => {
  const { registry, receipts } = create(2);
  receipts.open({ action: "percentage", release: "r", sequence: 7 });
  confirm(registry, 0, { applied: 6 });
  expect(receipts.get("r", "percentage")?.confirmed).toBe(0);
  confirm(registry, 0, { applied: 8 });
  confirm(registry, 0, { applied: 9 });
  expect(receipts.get("r", "percentage")).toMatchObject({ confirmed: 1, missing: ["shop 1"] });
});

test("a revert that runs ahead of the log is confirmed by its mark, and by the log once it is there", () => {
  const { registry, receipts } = create(3);
  expect(receipts.open({ action: "revert", release: "r", sequence: null })).toMatchObject({
    sequence: null,
    durable: false,
  });
  confirm(registry, 0, { reverted: ["other"], applied: 99 });
  expect(receipts.get("r", "revert")?.confirmed).toBe(0);
  confirm(registry, 0, { reverted: ["r"] });
  confirm(registry, 1, { applied: 12 });
  expect(receipts.get("r", "revert")?.confirmed).toBe(1);
  receipts.durable("r", 12);
  confirm(registry, 2, { applied: 12 });
  expect(receipts.get("r", "revert")).toMatchObject({ sequence: 12, durable: true, confirmed: 2 });
});

test("a mark confirms no other action", () => {
  const { registry, receipts } = create(1);
  receipts.open({ action: "hold", release: "r", sequence: 7 });
  confirm(registry, 0, { reverted: ["r"] });
  expect(receipts.get("r", "hold")?.confirmed).toBe(0);
});

test("a follower that held the mark before the instance did has confirmed from the start", () => {
  const { registry, receipts } = create(2);
  confirm(registry, 0, { reverted: ["r"] });
  expect(receipts.open({ action: "revert", release: "r", sequence: null })).toMatchObject({
    expected: 2,
    confirmed: 1,
    lastMs: 0,
    missing: ["shop 1"],
  });
});

test("a follower whose lease has run out is not expected, one within it is and counts when it is back", () => {
  const { clock, registry, receipts } = create(0);
  registry.connected({ id: "f0", name: "shop 0", kind: "sdk" })();
  clock.advance(5_000);
  registry.connected({ id: "f1", name: "shop 1", kind: "sdk" })();
  clock.advance(leaseMs - 4_999);
  receipts.open({ action: "start", release: "r", sequence: 3 });
  expect(receipts.get("r", "start")).toMatchObject({ expected: 1, missing: ["shop 1"] });
  clock.advance(60_000);
  confirm(registry, 1, { applied: 3 });
  expect(receipts.get("r", "start")).toMatchObject({ confirmed: 1, lastMs: 60_000 });
});

test("who joins after the announcement is not expected", () => {
  const { registry, receipts } = create(1);
  receipts.open({ action: "start", release: "r", sequence: 3 });
  registry.connected({ id: "f9", name: "shop 9", kind: "sdk" });
  confirm(registry, 9, { applied: 3 });
  expect(receipts.get("r", "start")).toMatchObject({ expected: 1, confirmed: 0 });
});

test("a second revert of the same release keeps the first one's receipt; a second percentage begins anew", () => {
  const { clock, registry, receipts } = create(1);
  const first = receipts.open({ action: "revert", release: "r", sequence: null });
  receipts.open({ action: "percentage", release: "r", sequence: 5 });
  confirm(registry, 0, { applied: 5, reverted: ["r"] });
  clock.advance(50);
  expect(receipts.open({ action: "revert", release: "r", sequence: null })).toMatchObject({
    announcedAt: first.announcedAt,
    confirmed: 1,
  });
  expect(receipts.open({ action: "percentage", release: "r", sequence: 6 })).toMatchObject({ confirmed: 0 });
});

test("whoever waits for a receipt that another one takes the place of is answered at once", async () => {
  const { receipts } = create(1);
  receipts.open({ action: "percentage", release: "r", sequence: 5 });
  const settled = receipts.settled("r", "percentage", 60_000);
  receipts.open({ action: "percentage", release: "r", sequence: 6 });
  expect(await settled).toMatchObject({ sequence: 5, confirmed: 0 });
});

test("a settled receipt is answered when the last one has confirmed", async () => {
  const { clock, registry, receipts } = create(2);
  receipts.open({ action: "revert", release: "r", sequence: null });
  const settled = receipts.settled("r", "revert", 1_000);
  confirm(registry, 0, { reverted: ["r"] });
  clock.advance(30);
  confirm(registry, 1, { reverted: ["r"] });
  expect(await settled).toMatchObject({ confirmed: 2, lastMs: 30, missing: [] });
  clock.advance(100);
  expect(clock.nextInMs()).toBeUndefined();
});

test("a receipt that does not settle is answered at the timeout with who is missing", async () => {
  const { clock, registry, receipts } = create(2);
  receipts.open({ action: "revert", release: "r", sequence: null });
  const settled = receipts.settled("r", "revert", 1_000);
  confirm(registry, 0, { reverted: ["r"] });
  clock.advance(1_000);
  expect(await settled).toMatchObject({ confirmed: 1, missing: ["shop 1"] });
});

test("without a follower a receipt is settled at once, and without a receipt there is nothing to wait for", async () => {
  const { receipts } = create(0);
  receipts.open({ action: "revert", release: "r", sequence: null });
  expect(await receipts.settled("r", "revert", 1_000)).toMatchObject({ expected: 0, confirmed: 0 });
  expect(await receipts.settled("r", "promote", 1_000)).toBeUndefined();
});

test("the last 200 receipts are kept, and whoever waits for one that goes is answered", async () => {
  const { receipts } = create(1);
  receipts.open({ action: "start", release: "r0", sequence: 1 });
  const settled = receipts.settled("r0", "start", 60_000);
  for (let index = 1; index <= 200; index += 1) receipts.open({ action: "start", release: `r${index}`, sequence: 1 });
  expect(receipts.get("r0", "start")).toBeUndefined();
  expect(receipts.get("r1", "start")).toBeDefined();
  expect(await settled).toMatchObject({ release: "r0", confirmed: 0 });
});

test("who says goodbye before it has confirmed is not expected any more, and nobody waits for it", async () => {
  const { registry, receipts } = create(2);
  receipts.open({ action: "revert", release: "r", sequence: null });
  const settled = receipts.settled("r", "revert", 60_000);
  confirm(registry, 0, { reverted: ["r"] });
  registry.receive({ confirmations: [], children: null, left: ["f1"] });
  expect(await settled).toMatchObject({ expected: 1, confirmed: 1, missing: [] });
});

test("who is away at the command is named beside the receipt, and counts once it is back and has confirmed", () => {
  const { clock, registry, receipts } = create(1);
  const host7 = { id: "h7", name: "host-7", kind: "sdk" } as const;
  registry.connected(host7)();
  clock.advance(leaseMs + 1);
  const first = receipts.open({ action: "revert", release: "r", sequence: null });
  expect(first).toMatchObject({ expected: 1, confirmed: 0, away: ["host-7"], awayTotal: 1 });
  clock.advance(40);
  confirm(registry, 0, { reverted: ["r"] });
  clock.advance(300_000);
  registry.connected(host7);
  // To be back is not to have confirmed.
  expect(receipts.get("r", "revert")).toMatchObject({ expected: 1, confirmed: 1, away: ["host-7"], awayTotal: 1 });
  registry.receive({
    confirmations: [{ follower: "h7", applied: 0, reverted: ["r"], prepared: [] }],
    children: null,
  });
  // When it came back says nothing of how fast the revert was.
  expect(receipts.get("r", "revert")).toMatchObject({
    expected: 2,
    confirmed: 2,
    p99Ms: 40,
    lastMs: 40,
    away: [],
    awayTotal: 0,
  });
});

test("of many that are away a hundred are named, and all are counted", () => {
  const { clock, registry, receipts } = create(0);
  for (let index = 0; index < 150; index += 1)
    registry.connected({ id: `a${index}`, name: `away ${index}`, kind: "sdk" })();
  clock.advance(leaseMs + 1);
  const receipt = receipts.open({ action: "promote", release: "r", sequence: 4 });
  expect([receipt.away.length, receipt.awayTotal, receipt.expected]).toEqual([100, 150, 0]);
});

test("a process that crashes before it has confirmed is waited for under its new id", async () => {
  const { clock, registry, receipts } = create(0);
  const crash = registry.connected(shop("old"));
  receipts.open({ action: "revert", release: "r", sequence: null });
  const settled = receipts.settled("r", "revert", 600_000);
  crash();
  clock.advance(200);
  registry.connected(shop("new"));
  const confirmations = [{ follower: "new", applied: 0, reverted: ["r"], prepared: [] }];
  registry.receive({ confirmations, children: null });
  expect(receipts.get("r", "revert")).toMatchObject({ expected: 1, confirmed: 0, missing: ["shop"] });
  clock.advance(leaseMs + 1);
  expect(await settled).toMatchObject({ expected: 1, confirmed: 1, missing: [], p99Ms: null });
});

test("who is away is still named after a restart, by a receipt of a build that did not name it too", () => {
  const { clock, registry, receipts } = create(0);
  registry.connected({ id: "h7", name: "host-7", kind: "sdk" })();
  clock.advance(leaseMs + 1);
  receipts.open({ action: "revert", release: "r", sequence: null });
  const stored = receipts.store();
  const next = create(0);
  next.receipts.restore(stored);
  expect(next.receipts.get("r", "revert")).toMatchObject({ away: ["host-7"] });
  const before = stored.map(({ away: _away, returned: _returned, ...its }) => its);
  const after = create(0);
  after.receipts.restore(before);
  expect(after.receipts.get("r", "revert")).toMatchObject({ expected: 0, confirmed: 0, away: [] });
});
