import { createVirtualClock } from "@sluice/core";
import { settle } from "@sluice/replica/testing";
import { expect, test } from "vitest";
import { answerOf, createTestOrigin, failures, pricedItems, type TestOrigin } from "./origin.testing.ts";
import { createMemoryDisk, type WriteFate } from "./store/memory-store.ts";

const items = pricedItems(50);
const changed = { ...items, "sku-1": { price: 55, currency: "CNY" } };

interface Running extends TestOrigin {
  readonly release: string;
  nextSequence(): number;
  /** What becomes of every write from now on. */
  store(does: "takes" | "hangs" | "refuses"): void;
}

/** A release at 5 %, over a store whose writes go as they are told to. */
async function running(plan?: unknown): Promise<Running> {
  const clock = createVirtualClock();
  let does: "takes" | "hangs" | "refuses" = "takes";
  const fate = (): WriteFate | Promise<WriteFate> => {
    if (does === "hangs") return new Promise(() => {});
    return does === "takes" ? { durable: true, answer: "ok" } : { durable: false, answer: "STORE_UNAVAILABLE" };
  };
  const store = { id: "log-1", clock, disk: createMemoryDisk(), fate };
  const origin = await createTestOrigin({ items, clock, store, ...(plan === undefined ? {} : { plan }) });
  const { release } = await answerOf(origin.publish("prices", changed, "?release=true&thousandths=5000"));
  let sequence = 0;
  return {
    ...origin,
    release: String(release),
    nextSequence: () => ++sequence,
    store: (now) => {
      does = now;
    },
  };
}

async function report(origin: Running, counts: Parameters<typeof failures>[2]): Promise<void> {
  await origin.post("/v1/outcomes", failures(origin.release, origin.nextSequence(), counts));
  origin.clock.advance(250);
  await settle();
}

async function pass(origin: Running, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    origin.clock.advance(250);
    await settle();
  }
}

const releaseOf = async (origin: Running): Promise<NonNullable<Dataset["release"]> | null> =>
  (await origin.status()).datasets[0]?.release ?? null;
type Dataset = Awaited<ReturnType<TestOrigin["status"]>>["datasets"][number];

const reverted = { release: null, lastRevert: { by: { kind: "guard" } } };
const suspicious = { candidateFailures: 2, candidateOk: 18, ok: 400 };
/** As many failures in the control as its share gives, and none in the candidate. */
const faded = { candidateOk: 100, controlFailures: 90, ok: 1_900 };

test("a hold of the guard's that the store hangs on does not keep it from reverting", async () => {
  const origin = await running();
  origin.store("hangs");
  await report(origin, suspicious);
  await report(origin, { candidateFailures: 20, ok: 400 });
  expect((await origin.status()).datasets[0]).toMatchObject(reverted);
});

test("a resume of the guard's that the store hangs on does not keep it from reverting", async () => {
  const origin = await running();
  await report(origin, suspicious);
  expect((await releaseOf(origin))?.hold?.by.kind).toBe("guard");
  origin.store("hangs");
  await report(origin, faded);
  await report(origin, { candidateFailures: 60, ok: 400 });
  await report(origin, { candidateFailures: 60, ok: 400 });
  expect((await origin.status()).datasets[0]).toMatchObject(reverted);
});

test("a guard that is off for a time is on again after it although the log cannot be written", async () => {
  const origin = await running();
  await origin.post(`/v1/releases/${origin.release}/guard-off`, { forMs: 10_000, reason: "a known bad client" });
  origin.store("refuses");
  await report(origin, { candidateFailures: 20, ok: 400 });
  await pass(origin, 9_000);
  expect(await releaseOf(origin)).toMatchObject({ phase: "running", evidence: { candidateFailures: 20 } });
  await pass(origin, 1_000);
  expect((await origin.status()).datasets[0]).toMatchObject(reverted);
  origin.store("takes");
  await pass(origin, 2_000);
  expect((await origin.status()).datasets[0]).toMatchObject({ ...reverted, stable: { publish: 1 } });
});

test("evidence that faded while the guard was off and came back is new: what a person let go on before is held again", async () => {
  const origin = await running();
  await report(origin, suspicious);
  await origin.post(`/v1/releases/${origin.release}/resume`, { reason: "two known bad accounts" });
  await origin.post(`/v1/releases/${origin.release}/guard-off`, { forMs: 600_000, reason: "a known bad client" });
  await report(origin, faded);
  await report(origin, { candidateFailures: 3, ok: 300 });
  await origin.post(`/v1/releases/${origin.release}/guard-on`, { reason: "the client is gone" });
  await pass(origin, 250);
  expect((await releaseOf(origin))?.hold?.by.kind).toBe("guard");
});

test("evidence that stands while the guard is turned off and on is no reason to hold what a person let go on", async () => {
  const origin = await running();
  await report(origin, suspicious);
  await origin.post(`/v1/releases/${origin.release}/resume`, { reason: "two known bad accounts" });
  await origin.post(`/v1/releases/${origin.release}/guard-off`, { forMs: 600_000, reason: "a known bad client" });
  await pass(origin, 1_000);
  await origin.post(`/v1/releases/${origin.release}/guard-on`, { reason: "the client is gone" });
  await pass(origin, 250);
  expect((await releaseOf(origin))?.hold ?? null).toBe(null);
});

test("evidence that goes to and fro about the line holds once: it has to fall to half of the line, or stay below it for a minute", async () => {
  const origin = await running();
  await report(origin, suspicious);
  const held = (await releaseOf(origin))?.hold?.at;
  const evidence = async (): Promise<number> => (await releaseOf(origin))?.evidence?.comparativeEvidence ?? 0;
  for (let down = 0; down < 3; down++) {
    if (down > 0) await report(origin, { candidateFailures: 1, candidateOk: 39, ok: 800 });
    expect(await evidence()).toBeGreaterThan(10);
    while ((await evidence()) >= 10) await report(origin, { candidateOk: 1, controlFailures: 1, ok: 60 });
    expect(await evidence()).toBeGreaterThan(5);
    expect((await releaseOf(origin))?.hold).toMatchObject({ by: { kind: "guard" }, at: held });
  }
  await pass(origin, 58_000);
  expect((await releaseOf(origin))?.hold?.by.kind).toBe("guard");
  await pass(origin, 3_000);
  expect((await releaseOf(origin))?.hold ?? null).toBe(null);
});

test("what the plan holds for want of evidence the guard holds where it is suspicious", async () => {
  const promotion = { waitMaxMs: 1_000, otherwise: "hold" };
  const origin = await running({ automatic: true, steps: [{ thousandths: 5_000, holdMs: 1_000 }], promotion });
  await pass(origin, 3_000);
  expect((await releaseOf(origin))?.hold?.by.kind).toBe("plan");
  await report(origin, suspicious);
  expect((await releaseOf(origin))?.hold?.by.kind).toBe("guard");
});

/** Each step is due at once and by time alone: whatever lets the plan go on for a moment, steps. */
const hasty = {
  automatic: true,
  steps: [5_000, 25_000, 50_000].map((thousandths) => ({ thousandths, holdMs: 0 })),
  promotion: null,
};

const reasonsOf = async (origin: TestOrigin): Promise<readonly string[]> =>
  (await origin.status()).datasets[0]?.health.reasons ?? [];

/** The suspicious release of an origin that anna holds by hand, over a store that the next process reads too. */
async function heldByAnna(): Promise<Running & { restart(): Promise<TestOrigin> }> {
  const clock = createVirtualClock();
  const store = { id: "log-1", clock, disk: createMemoryDisk() };
  const origin = await createTestOrigin({ items, clock, store, plan: hasty });
  const { release } = await answerOf(origin.publish("prices", changed, "?release=true"));
  const held = { ...origin, release: String(release), nextSequence: () => 1, store: () => {} };
  await origin.post(`/v1/releases/${release}/hold`, { reason: "finance" });
  await report(held, suspicious);
  return { ...held, restart: () => createTestOrigin({ clock, store }) };
}

test("suspicion that a person's own hold is in the way of is said, and holds when the person ends that, before any step", async () => {
  const origin = await heldByAnna();
  const waits = expect.stringMatching(
    /^the candidate fails more often than the control \(evidence \S+\); it is held for that when the hold in force has ended$/,
  );
  expect(await reasonsOf(origin)).toEqual([waits]);
  await origin.post(`/v1/releases/${origin.release}/resume`, { reason: "finance agrees" });
  expect((await releaseOf(origin))?.hold?.by).toEqual({ kind: "guard", name: "comparative" });
  await pass(origin, 5_000);
  expect(await releaseOf(origin)).toMatchObject({ thousandths: 5_000, hold: { by: { kind: "guard" } } });

  // As often as the hold that is ended is a person's; the word on the evidence is the one that ends the guard's.
  await origin.post(`/v1/releases/${origin.release}/hold`, { reason: "once more" });
  await origin.post(`/v1/releases/${origin.release}/resume`, {});
  expect((await releaseOf(origin))?.hold?.by.kind).toBe("guard");
  await origin.post(`/v1/releases/${origin.release}/resume`, { reason: "two known bad accounts" });
  expect((await releaseOf(origin))?.hold ?? null).toBe(null);
  expect(await reasonsOf(origin)).toEqual([expect.stringMatching(/; a person let it go on all the same$/)]);
});

test("whether a person has overruled the guard or only ended a hold of their own is the same after a kill in that moment", async () => {
  const origin = await heldByAnna();
  origin.clock.advance(1_000);
  await settle();
  const waiting = { ...origin, ...(await origin.restart()) };
  expect((await reasonsOf(waiting))[0]).toContain("held for that when");
  await waiting.post(`/v1/releases/${origin.release}/resume`, {});
  const held = { ...origin, ...(await origin.restart()) };
  await pass(held, 1_000);
  expect(await releaseOf(held)).toMatchObject({ thousandths: 5_000, hold: { by: { kind: "guard" } } });

  await held.post(`/v1/releases/${origin.release}/resume`, {});
  await settle();
  const after = { ...origin, ...(await origin.restart()) };
  expect(await reasonsOf(after)).toEqual([expect.stringMatching(/; a person let it go on all the same$/)]);
});
