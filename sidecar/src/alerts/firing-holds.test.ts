import { pass } from "@sluice/replica/testing";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createTestOrigin, type TestOrigin } from "../origin.testing.ts";
import { createMemoryDisk, type MemoryWrite, type WriteFate } from "../store/memory-store.ts";
import { logOf, prices, running, sendPlain } from "./alerts.testing.ts";

const url = "http://prometheus.example:9090";
const vector = (result: readonly object[]): object => ({ status: "success", data: { resultType: "vector", result } });
let isFiring = true;
const server = setupServer(
  http.post(`${url}/api/v1/query`, () => HttpResponse.json(vector(isFiring ? [{ metric: {}, value: [1, "1"] }] : []))),
);

beforeAll(() => server.listen({ onUnhandledFrame: "error" }));
afterAll(() => server.close());
beforeEach(() => {
  isFiring = true;
});

/** Each step is due at once and by time alone: whatever lets the plan go on for a moment, steps. */
const hasty = {
  steps: [5_000, 25_000, 50_000].map((thousandths) => ({ thousandths, holdMs: 0 })),
  promotion: null,
};

/** A release at 5 % that anna holds by hand, of the plan above. */
async function heldByAnna(options: Parameters<typeof running>[0] = {}): Promise<TestOrigin> {
  const origin = await running({ plan: hasty, ...options });
  await give(origin, "hold", { reason: "finance" });
  return origin;
}

async function give(origin: TestOrigin, what: string, body: object = {}): Promise<void> {
  const { id = "" } = (await prices(origin)).release ?? {};
  expect((await origin.post(`/v1/releases/${id}/${what}`, body, { "sluice-actor": "anna" })).status).toBe(200);
}

const fire = (origin: TestOrigin, name: string, more: object = {}): ReturnType<typeof sendPlain> =>
  sendPlain(origin, { name, dataset: "prices", action: "hold", reason: `${name} failures`, ...more });

const holderOf = async (origin: TestOrigin): Promise<string> => {
  const by = (await prices(origin)).release?.hold?.by;
  return by === undefined ? "nobody" : `${by.kind} ${by.name.replace(/ [0-9a-f]{16}$/, "")}`;
};

const reasonsOf = async (origin: TestOrigin): Promise<string> => (await prices(origin)).health.reasons.join("\n");

const waits = "it is held for that when the hold in force has ended";

test("an alert that fires while a person holds is said, and holds when the person ends that hold, before any step", async () => {
  const origin = await heldByAnna();
  const { alerts } = await fire(origin, "p3");
  expect(alerts[0]?.effects).toMatchObject([
    { outcome: "unchanged", message: expect.stringContaining("held for this") },
  ]);
  expect(await holderOf(origin)).toBe("person anna");
  expect(await reasonsOf(origin)).toContain(`alert p3 is firing: p3 failures; ${waits}`);

  await give(origin, "resume");
  expect(await holderOf(origin)).toBe("alert p3");
  await pass(origin.clock, 10_000);
  expect((await prices(origin)).release).toMatchObject({ thousandths: 5_000 });
  const [resumed] = await logOf(origin, "release-resumed");
  expect((await logOf(origin, "release-held")).at(-1)?.sequence).toBe((resumed?.sequence ?? 0) + 1);
});

test("asked beforehand an alert says whose hold would have to end first", async () => {
  const origin = await running({ plan: hasty });
  const asked = { name: "p3", dataset: "prices", action: "hold" };
  const wouldAfter = async (): Promise<unknown> =>
    (await sendPlain(origin, asked, "?dryRun=true")).alerts[0]?.effects.map(({ outcome, message }) => [
      outcome,
      message,
    ]);
  expect(await wouldAfter()).toEqual([["would", null]]);
  await give(origin, "hold", { reason: "finance" });
  expect(await wouldAfter()).toEqual([["would", "when the hold of person anna has ended"]]);
});

test("an alert's hold that a person's percentage takes over is still wanted: said until the resume, and in force after it", async () => {
  const origin = await running({ plan: hasty });
  await fire(origin, "CardFailures");
  await give(origin, "percentage", { thousandths: 2_000 });
  expect(await holderOf(origin)).toBe("person anna");
  expect((await prices(origin)).health.ok).toBe(false);
  expect(await reasonsOf(origin)).toContain(`alert CardFailures is firing: CardFailures failures; ${waits}`);
  await give(origin, "resume");
  await pass(origin.clock, 10_000);
  expect([await holderOf(origin), (await prices(origin)).release?.thousandths]).toEqual(["alert CardFailures", 2_000]);
});

test("who ends an alert's hold overrules that one alone: the oldest of the others holds next, and who was overruled is said to fire", async () => {
  const origin = await running({ plan: hasty });
  for (const name of ["first", "second", "third"]) {
    await fire(origin, name);
    await pass(origin.clock, 1_000);
  }
  await give(origin, "resume");
  expect(await holderOf(origin)).toBe("alert second");
  expect((await reasonsOf(origin)).split("\n")).toEqual([
    "alert third is firing: third failures; it is held for that when the hold in force has ended",
    "alert first is firing: first failures; anna let it go on all the same",
    "held by alert second: alert second is firing: second failures",
  ]);
  // The end of one that nobody overruled gives it to the next as well, and to no one that was.
  const ended = await fire(origin, "second", { status: "resolved" });
  expect(ended.alerts[0]?.effects).toMatchObject([
    { action: "resume", outcome: "done", message: expect.stringMatching(/^held by third [0-9a-f]+ from then on$/) },
  ]);
  await give(origin, "resume");
  expect(await holderOf(origin)).toBe("nobody");
  expect((await prices(origin)).health.ok).toBe(false);
});

test("a promotion over an alert's hold overrules it as a resume does: it is said to fire, and does not come back to hold the bake", async () => {
  const origin = await running({ plan: hasty });
  await fire(origin, "A");
  await give(origin, "promote");
  expect(await holderOf(origin)).toBe("nobody");
  expect(await reasonsOf(origin)).toBe("alert A is firing: A failures; anna let it go on all the same");
  await fire(origin, "B");
  expect(await holderOf(origin)).toBe("alert B");
  await fire(origin, "B", { status: "resolved" });
  expect(await holderOf(origin)).toBe("nobody");
});

test("a promotion over a person's own hold is no word on the alert behind it, which holds the bake", async () => {
  const origin = await heldByAnna();
  await fire(origin, "A");
  await give(origin, "promote");
  expect([await holderOf(origin), (await prices(origin)).release?.phase]).toEqual(["alert A", "baking"]);
});

test.each(["kill", "close"] as const)("what waits and who was overruled outlive a %s of the origin", async (end) => {
  const disk = createMemoryDisk();
  const first = await running({ plan: hasty, store: { id: "log-1", disk } });
  await fire(first, "A");
  await fire(first, "B");
  await give(first, "resume");
  await give(first, "hold", { reason: "finance" });
  const said = await reasonsOf(first);
  if (end === "close") await first.origin.close();
  const second = await createTestOrigin({ store: { id: "log-1", disk }, clock: first.clock });
  expect(await holderOf(second)).toBe("person anna");
  expect(await reasonsOf(second)).toBe(said);
  await give(second, "resume");
  expect(await holderOf(second)).toBe("alert B");
  await give(second, "resume");
  expect(await holderOf(second)).toBe("nobody");
});

test("an alert whose origin died before it held does so when the origin is back, and tries until the store takes it", async () => {
  const disk = createMemoryDisk();
  let isDown = false;
  const fate = ({ kind }: MemoryWrite): WriteFate =>
    isDown && kind === "append" ? { durable: false, answer: "STORE_UNAVAILABLE" } : { durable: true, answer: "ok" };
  const first = await running({ plan: { ...hasty, automatic: false }, store: { id: "log-1", disk, fate } });
  const { id = "" } = (await prices(first)).release ?? {};
  await first.origin.close();
  // The book has it and the log has not; its sender sends it again, and that is a repetition.
  const holder = { kind: "alert", name: "A 0123456789abcdef" };
  const firing = {
    key: holder.name,
    holder,
    startsAt: null,
    since: 1,
    reason: "alert A is firing",
    asked: { [id]: "hold" },
  };
  disk.documents.set("firing", JSON.stringify([firing]));
  isDown = true;
  const second = await createTestOrigin({ store: { id: "log-1", disk, fate }, clock: first.clock });
  await pass(second.clock, 2_000);
  expect(await holderOf(second)).toBe("nobody");
  expect(await reasonsOf(second)).toContain("alert A is firing; it is not held for that yet");
  isDown = false;
  await pass(second.clock, 1_000);
  expect(await holderOf(second)).toBe("alert A");
});

test("an alert that has ended holds nothing after a kill in the same moment", async () => {
  const disk = createMemoryDisk();
  const first = await heldByAnna({ store: { id: "log-1", disk } });
  await fire(first, "A");
  await fire(first, "A", { status: "resolved" });
  const second = await createTestOrigin({ store: { id: "log-1", disk }, clock: first.clock });
  await give(second, "resume");
  expect(await holderOf(second)).toBe("nobody");
});

test("a query that fires while a person holds is said to wait, holds next, and is said to be overruled after that", async () => {
  const queries = [{ name: "cand fails", expression: "x > 1", action: "hold" }];
  const options = { plan: { ...hasty, automatic: false, queries }, fetch: globalThis.fetch, prometheus: { url } };
  isFiring = false;
  const origin = await heldByAnna(options);
  isFiring = true;
  await pass(origin.clock, 5_000);
  expect(await reasonsOf(origin)).toBe(`query cand fails of prices fires: {} 1; ${waits}`);
  await give(origin, "resume");
  expect(await holderOf(origin)).toBe("alert query cand fails");
  await give(origin, "resume");
  await pass(origin.clock, 10_000);
  expect(await holderOf(origin)).toBe("nobody");
  expect(await reasonsOf(origin)).toBe("query cand fails of prices fires: {} 1; anna let it go on all the same");
});

test("of many alerts that wait ten are named, and the others are counted", async () => {
  const origin = await heldByAnna();
  for (let number = 1; number <= 12; number++) await fire(origin, `A${number}`);
  const reasons = (await prices(origin)).health.reasons;
  expect([reasons.length, reasons.at(-1)]).toEqual([11, "and 2 more alerts fire that do not hold it"]);
});
