import { createVirtualClock } from "@sluice/core";
import { type EvidenceAnswer, evidenceAnswerSchema } from "@sluice/core/api";
import { settle } from "@sluice/replica/testing";
import { expect, test } from "vitest";
import { answerOf, createTestOrigin, failures, pricedItems, type TestOrigin } from "./origin.testing.ts";
import { createMemoryDisk, type MemoryWrite, type WriteFate } from "./store/memory-store.ts";

const items = pricedItems(50);
const changed = { ...items, "sku-1": { price: 55, currency: "CNY" } };

async function running(): Promise<TestOrigin & { release: string }> {
  const origin = await createTestOrigin({ items });
  const { release } = await answerOf(origin.publish("prices", changed, "?release=true&thousandths=5000"));
  return { ...origin, release: String(release) };
}

/** As many failures in the control as its share gives, and none in the candidate. */
const faded = { candidateOk: 100, controlFailures: 90, ok: 1_900 };

const holdOf = async (origin: TestOrigin): Promise<unknown> =>
  (await origin.status()).datasets[0]?.release?.hold?.by.kind ?? null;

async function report(
  origin: TestOrigin & { release: string },
  sequence: number,
  counts: Parameters<typeof failures>[2],
): Promise<void> {
  await origin.post("/v1/outcomes", failures(origin.release, sequence, counts));
  origin.clock.advance(250);
  await settle();
}

test("the guard holds what looks worse, and lets it go on when the evidence has faded", async () => {
  const origin = await running();
  await report(origin, 1, { candidateFailures: 2, candidateOk: 18, ok: 400 });
  expect(await holdOf(origin)).toBe("guard");
  await report(origin, 2, faded);
  expect(await holdOf(origin)).toBe(null);
});

test("a person who resumes what the guard holds is not overruled by the same evidence, but by new one", async () => {
  const origin = await running();
  await report(origin, 1, { candidateFailures: 2, candidateOk: 18, ok: 400 });
  await origin.post(`/v1/releases/${origin.release}/resume`, { reason: "two known bad accounts" });
  await report(origin, 2, { ok: 400 });
  expect(await holdOf(origin)).toBe(null);
  await report(origin, 3, faded);
  await report(origin, 4, { candidateFailures: 3, ok: 300 });
  expect(await holdOf(origin)).toBe("guard");
});

test("evidence, and whether a person overruled it, outlive the process", async () => {
  const clock = createVirtualClock();
  const disk = createMemoryDisk();
  const before = await createTestOrigin({ items, store: { id: "log-1", clock, disk } });
  const { release } = await answerOf(before.publish("prices", changed, "?release=true&thousandths=5000"));
  const origin = { ...before, release: String(release) };
  await report(origin, 1, { candidateFailures: 2, candidateOk: 18, ok: 400 });
  await origin.post(`/v1/releases/${origin.release}/resume`, { reason: "two known bad accounts" });
  // Kept once a second.
  origin.clock.advance(1_000);
  await settle();
  const shown = (await origin.status()).datasets[0]?.release?.evidence;
  // Nothing is closed: the process was killed.
  const after = await createTestOrigin({ store: { id: "log-1", clock, disk } });
  after.clock.advance(250);
  await settle();
  expect((await after.status()).datasets[0]?.release).toMatchObject({
    hold: null,
    evidence: { candidateRequests: 20, comparativeEvidence: shown?.comparativeEvidence },
  });
  await after.post("/v1/outcomes", failures(origin.release, 1, { candidateFailures: 2, candidateOk: 18, ok: 400 }));
  expect((await after.status()).datasets[0]?.release?.evidence?.candidateRequests).toBe(20);
});

/** What the route of a release's evidence gives. */
async function evidenceOf(origin: TestOrigin, release: string): Promise<EvidenceAnswer> {
  const response = await origin.request(`/v1/releases/${release}/evidence`);
  expect(response.status).toBe(200);
  return evidenceAnswerSchema.parse(await response.json());
}

test("the evidence of a release says which line it crossed and when, and can be drawn", async () => {
  const origin = await running();
  const startedAt = origin.clock.wall();
  await report(origin, 1, { candidateOk: 20, ok: 380 });
  await report(origin, 2, { candidateFailures: 2, candidateOk: 18, ok: 380 });
  const { release, evidence, history } = await evidenceOf(origin, origin.release);
  expect(release).toBe(origin.release);
  expect(evidence.crossings).toMatchObject([
    { stream: "units", line: "hold", direction: "up" },
    { stream: "comparative", line: "hold", direction: "up" },
    { stream: "requests", line: "hold", direction: "up" },
  ]);
  expect(evidence.crossings[0]?.at).toBe(startedAt + 250);
  expect(history.map(({ at }) => at)).toEqual(history.map(({ at }) => at).toSorted((a, b) => a - b));
  expect(history.at(-1)).toMatchObject({ thousandths: 5_000, candidateRequests: 40, candidateFailures: 2 });
  expect(Math.exp(history.at(-1)?.logComparative ?? 0)).toBeCloseTo(evidence.comparativeEvidence, 1);
});

test("what a guard saw of a release that ended can be read after a restart, of the last 50 that ended", async () => {
  const clock = createVirtualClock();
  const disk = createMemoryDisk();
  const before = await createTestOrigin({ items, clock, store: { id: "log-1", clock, disk } });
  const releases: string[] = [];
  for (let round = 0; round < 52; round++) {
    const upload = { ...items, "sku-1": { price: 200 + round, currency: "CNY" } };
    const { release } = await answerOf(before.publish("prices", upload, "?release=true&thousandths=5000"));
    releases.push(String(release));
    if (round === 51) {
      await report({ ...before, release: String(release) }, 1, { candidateFailures: 20, candidateOk: 0, ok: 400 });
    } else await before.post(`/v1/releases/${release}/revert`, { reason: "the next one" });
    await settle();
  }
  await settle();
  const last = String(releases.at(-1));
  const seen = await evidenceOf(before, last);
  expect(seen.evidence).toMatchObject({ candidateFailures: 20, failuresMinReached: true });
  expect(seen.evidence.comparativeEvidence).toBeGreaterThan(seen.evidence.threshold);

  const after = await createTestOrigin({ clock, store: { id: "log-1", clock, disk } });
  expect(await evidenceOf(after, last)).toEqual(seen);
  await evidenceOf(after, String(releases[2]));
  for (const gone of [...releases.slice(0, 2), "never"]) {
    const response = await after.request(`/v1/releases/${gone}/evidence`);
    expect(await response.json()).toMatchObject({ code: "RELEASE_UNKNOWN" });
  }
  expect([...disk.documents.keys()].filter((name) => name.startsWith("evidence:"))).toHaveLength(50);
});

test("a guard that is off neither reverts nor holds, and what came in meanwhile decides when it is on again", async () => {
  const origin = await running();
  await origin.post(`/v1/releases/${origin.release}/guard-off`, { forMs: 600_000, reason: "a known bad client" });
  await report(origin, 1, { candidateFailures: 20, ok: 400 });
  await report(origin, 2, { candidateOk: 5, ok: 95 });
  const shown = (await origin.status()).datasets[0]?.release;
  expect(shown).toMatchObject({ phase: "running", hold: null, evidence: { candidateFailures: 20 } });
  expect(shown?.evidence?.comparativeEvidence).toBeGreaterThan(shown?.evidence?.threshold ?? Number.POSITIVE_INFINITY);

  await origin.post(`/v1/releases/${origin.release}/guard-on`, { reason: "the client is gone" });
  origin.clock.advance(250);
  await settle();
  expect((await origin.status()).datasets[0]).toMatchObject({ release: null, lastRevert: { by: { kind: "guard" } } });
});

test("evidence that has faded while the guard was off reverts nothing", async () => {
  const origin = await running();
  await origin.post(`/v1/releases/${origin.release}/guard-off`, { forMs: 600_000, reason: "a known bad client" });
  await report(origin, 1, { candidateFailures: 4, candidateOk: 16, ok: 400 });
  for (let sequence = 2; sequence < 8; sequence++) await report(origin, sequence, faded);
  await origin.post(`/v1/releases/${origin.release}/guard-on`, { reason: "the client is gone" });
  await report(origin, 8, faded);
  expect((await origin.status()).datasets[0]?.release).toMatchObject({ phase: "running", hold: null });
});

test("a guard is off over a restart too", async () => {
  const clock = createVirtualClock();
  const disk = createMemoryDisk();
  const before = await createTestOrigin({ items, clock, store: { id: "log-1", clock, disk } });
  const { release } = await answerOf(before.publish("prices", changed, "?release=true&thousandths=5000"));
  await before.post(`/v1/releases/${release}/guard-off`, { forMs: 600_000, reason: "a known bad client" });
  const after = await createTestOrigin({ clock, store: { id: "log-1", clock, disk } });
  await report({ ...after, release: String(release) }, 1, { candidateFailures: 20, ok: 400 });
  expect((await after.status()).datasets[0]?.release).toMatchObject({ phase: "running", hold: null });
});

test("a guard that loses its evidence begins anew with a smaller share of what was promised, each time", async () => {
  const clock = createVirtualClock();
  const disk = createMemoryDisk();
  const before = await createTestOrigin({ items, clock, store: { id: "log-1", clock, disk } });
  const { release } = await answerOf(before.publish("prices", changed, "?release=true&thousandths=5000"));
  await report({ ...before, release: String(release) }, 1, { candidateFailures: 2, candidateOk: 18, ok: 400 });
  clock.advance(1_000);
  await settle();

  const thresholds: (number | undefined)[] = [];
  for (const spoil of [() => disk.documents.set("guards", "{"), () => disk.documents.delete("guards"), () => {}]) {
    spoil();
    const after = await createTestOrigin({ clock, store: { id: "log-1", clock, disk } });
    clock.advance(1_000);
    await settle();
    const evidence = (await after.status()).datasets[0]?.release?.evidence;
    thresholds.push(evidence?.threshold, evidence?.absoluteEvidence[0]?.threshold, evidence?.promotion.threshold);
  }
  expect(thresholds.map((threshold) => Math.round(threshold ?? 0))).toEqual([
    333, 1000, 20, 500, 1500, 30, 500, 1500, 30,
  ]);
});

test("of several kept guards the one that cannot be read costs the others nothing", async () => {
  const clock = createVirtualClock();
  const disk = createMemoryDisk();
  const before = await createTestOrigin({ items, clock, store: { id: "log-1", clock, disk } });
  await before.post("/v1/datasets", { name: "stock" });
  await before.publish("stock", items);
  const prices = await answerOf(before.publish("prices", changed, "?release=true&thousandths=5000"));
  const stock = await answerOf(before.publish("stock", changed, "?release=true&thousandths=5000"));
  await report({ ...before, release: String(prices.release) }, 1, { candidateOk: 20, ok: 400 });
  await report({ ...before, release: String(stock.release) }, 2, { candidateOk: 20, ok: 400 });
  clock.advance(1_000);
  await settle();

  const kept = JSON.parse(disk.documents.get("guards") ?? "") as { guards: [string, { format: number }][] };
  for (const [id, guard] of kept.guards) if (id === prices.release) guard.format = 1;
  disk.documents.set("guards", JSON.stringify(kept));
  const after = await createTestOrigin({ clock, store: { id: "log-1", clock, disk } });
  const requests = (await after.status()).datasets.map(({ name, release }) => [name, release?.candidateArm.requests]);
  expect(requests).toEqual([
    ["prices", 0],
    ["stock", 20],
  ]);
});

test("reports of two strata are compared by themselves", async () => {
  const origin = await running();
  const north = failures(origin.release, 1, { candidateOk: 100, controlFailures: 9, ok: 891 });
  const south = failures(origin.release, 2, { candidateFailures: 90, candidateOk: 810, controlFailures: 10, ok: 90 });
  for (const [stratum, batch] of [
    ["north", north],
    ["south", south],
  ] as const) {
    const reports = batch.reports.map((each) => {
      const arms = { candidate: { ...each.candidate, units: [] }, control: { ...each.control, units: [] } };
      return { ...each, ...arms, stratum };
    });
    expect((await origin.post("/v1/outcomes", { ...batch, reports })).status).toBe(202);
  }
  origin.clock.advance(250);
  await settle();
  const evidence = (await origin.status()).datasets[0]?.release?.evidence;
  // Added up, 9 % of the candidate's requests fail and 1.9 % of the control's.
  expect(evidence).toMatchObject({ candidateFailures: 90, controlFailures: 19 });
  expect(evidence?.comparativeEvidence).toBeLessThan(1);
});

test("a release that nobody has reported on loses no evidence with the process", async () => {
  const clock = createVirtualClock();
  const disk = createMemoryDisk();
  const before = await createTestOrigin({ items, clock, store: { id: "log-1", clock, disk } });
  await before.publish("prices", changed, "?release=true&thousandths=5000");
  clock.advance(1_250);
  await settle();
  const after = await createTestOrigin({ clock, store: { id: "log-1", clock, disk } });
  expect((await after.status()).datasets[0]?.release?.evidence?.threshold).toBeCloseTo(1 / 0.006, 6);
});

/** A store that takes everything but the evidence of releases that end. */
function fate(write: MemoryWrite): WriteFate {
  const isEnded = write.kind === "document" && write.name.startsWith("evidence:");
  return isEnded ? { durable: false, answer: "STORE_UNAVAILABLE" } : { durable: true, answer: "ok" };
}

test("evidence of a release that ended just before the process did is found among what was kept of its guard", async () => {
  const clock = createVirtualClock();
  const disk = createMemoryDisk();
  const before = await createTestOrigin({ items, clock, store: { id: "log-1", clock, disk, fate } });
  const { release } = await answerOf(before.publish("prices", changed, "?release=true&thousandths=5000"));
  await report({ ...before, release: String(release) }, 1, { candidateFailures: 1, candidateOk: 19, ok: 400 });
  clock.advance(1_000);
  await settle();
  await before.post("/v1/datasets/prices/revert", { reason: "a hunch" });
  await settle();
  // While the process lives it has it, although the store does not.
  expect((await evidenceOf(before, String(release))).evidence.candidateFailures).toBe(1);
  expect([...disk.documents.keys()].filter((name) => name.startsWith("evidence:"))).toEqual([]);

  const after = await createTestOrigin({ clock, store: { id: "log-1", clock, disk } });
  await settle();
  expect((await evidenceOf(after, String(release))).evidence).toMatchObject({
    candidateRequests: 20,
    candidateFailures: 1,
  });
  expect([...disk.documents.keys()].filter((name) => name.startsWith("evidence:"))).toHaveLength(1);
});

test("an ended release whose evidence cannot be read has none, and the others have theirs", async () => {
  const clock = createVirtualClock();
  const disk = createMemoryDisk();
  const before = await createTestOrigin({ items, clock, store: { id: "log-1", clock, disk } });
  const releases: string[] = [];
  for (const price of [200, 201]) {
    const upload = { ...items, "sku-1": { price, currency: "CNY" } };
    const { release } = await answerOf(before.publish("prices", upload, "?release=true&thousandths=5000"));
    releases.push(String(release));
    await before.post(`/v1/releases/${release}/revert`, { reason: "the next one" });
    await settle();
  }
  const [torn, whole] = releases;
  disk.documents.set(`evidence:${torn}`, "{");
  const after = await createTestOrigin({ clock, store: { id: "log-1", clock, disk } });
  expect((await after.request(`/v1/releases/${torn}/evidence`)).status).toBe(404);
  await evidenceOf(after, String(whole));
});
