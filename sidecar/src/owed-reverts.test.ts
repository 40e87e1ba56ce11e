import type { Command } from "@sluice/core";
import { expect, test } from "vitest";
import { answerOf, createTestOrigin, pricedItems } from "./origin.testing.ts";
import { asTaken, isOfOneHost } from "./owed-reverts.ts";
import { createVirtualClock } from "@sluice/core";
import { createMemoryDisk, type WriteFate } from "./store/memory-store.ts";
import { settle } from "@sluice/replica/testing";
import type { LoggedEvent } from "@sluice/core";

const items = pricedItems(20);
const revert: Command = {
  type: "revert",
  target: { release: "r1" },
  cause: { reason: "wrong", evidence: null },
  announced: true,
};

test("a revert that was owed to the log keeps the time at which it was given, and says when the log had it", async () => {
  let full = false;
  const clock = createVirtualClock();
  const fate = (): WriteFate => (full ? { durable: false, answer: "DISK_FULL" } : { durable: true, answer: "ok" });
  const origin = await createTestOrigin({ items, store: { id: "log-1", clock, disk: createMemoryDisk(), fate } });
  const { release } = await answerOf(
    origin.publish("prices", { ...items, "sku-1": { price: 7, currency: "CNY" } }, "?release=true"),
  );
  full = true;
  const givenAt = origin.clock.wall();
  await origin.post("/v1/datasets/prices/revert", { reason: "wrong" });
  const last = async (): Promise<unknown> => (await origin.status()).datasets[0]?.lastRevert;
  for (let passedMs = 0; passedMs < 46_000; passedMs += 500) {
    origin.clock.advance(500);
    await settle();
  }
  expect(await last()).toMatchObject({ release, at: givenAt, cause: { reason: "wrong" } });
  full = false;
  origin.clock.advance(500);
  await settle();
  const cause = { reason: "wrong; in the log 47 s later", evidence: null };
  expect(await last()).toMatchObject({ release, at: givenAt, cause, receipt: { durable: true } });
  expect((await origin.status()).datasets[0]?.quarantine).toMatchObject([{ at: givenAt }]);
  const logged = JSON.parse((await (await origin.request("/v1/log?limit=1")).text()).trim()) as LoggedEvent;
  expect(logged).toMatchObject({ at: givenAt, event: { type: "release-reverted", cause } });
});

test("a revert that the log takes at once says nothing of it, and no clock that was set back puts one into time to come", () => {
  const at = (atMs: number | undefined): ReturnType<typeof asTaken> => asTaken(revert, () => atMs, 10_000);
  expect(at(9_500)).toEqual({ command: revert, atMs: 9_500 });
  expect(at(12_000)).toEqual({ command: revert, atMs: 10_000 });
  expect(at(undefined)).toEqual({ command: revert, atMs: 10_000 });
  expect(at(7_000)).toMatchObject({ command: { cause: { reason: "wrong; in the log 3 s later" } }, atMs: 7_000 });
});

test("what nobody has announced happens when the log takes it", () => {
  const { announced: _announced, ...plain } = revert;
  expect(asTaken(plain, () => 1, 10_000)).toEqual({ command: plain, atMs: 10_000 });
});

test("the time of a cut-off host's own revert is that host's alone", () => {
  expect(isOfOneHost({ kind: "guard", name: "absolute on host-7" })).toBe(true);
  expect(isOfOneHost({ kind: "guard", name: "absolute" })).toBe(false);
  expect(isOfOneHost({ kind: "person", name: "Zoe on call" })).toBe(false);
});

test.each([
  [{ kind: "guard", name: "absolute on host-7" } as const, 60_000, "fails"],
  [{ kind: "person", name: "anna" } as const, 0, "fails; in the log 60 s later"],
])("a revert that a follower brings back is dated as what %j says of everybody", async (by, laterMs, reason) => {
  const origin = await createTestOrigin({ items });
  const { release } = await answerOf(
    origin.publish("prices", { ...items, "sku-1": { price: 7, currency: "CNY" } }, "?release=true"),
  );
  const at = origin.clock.wall();
  origin.clock.advance(60_000);
  const marks = [{ release, at, by, cause: { reason: "fails", evidence: null } }];
  await origin.post("/v1/confirmations", { confirmations: [], children: null, marks });
  await settle();
  expect((await origin.status()).datasets[0]?.lastRevert).toMatchObject({ at: at + laterMs, cause: { reason } });
});
