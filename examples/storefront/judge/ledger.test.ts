import { expect, test } from "vitest";
import { createLedger, type Facts, type Ledger } from "./ledger.ts";
import type { Answer, Quote, Truth } from "./judge.ts";

const file = (fine: number, broken: Pick<Quote, "price" | "currency">): ReadonlyMap<string, Quote> =>
  new Map([
    ["fine", { price: fine, currency: "CNY", hasCoupon: false }],
    ["broken", { ...broken, hasCoupon: false }],
  ]);

const truth: Truth = {
  files: new Map([
    [2, file(1_000, { price: 1_000, currency: "CNY" })],
    [4, file(950, { price: 950, currency: null })],
  ]),
  costs: new Map([
    ["fine", 700],
    ["broken", 700],
  ]),
  patienceMs: null,
};

/** v4 is taken back at 1,000; w1 follows at 1,010 and w2 at 1,030. */
const facts: Facts = { broken: 4, revertAt: 1_000, appliedAt: { w1: 1_010, w2: 1_030 } };

const good: Answer = {
  startedAt: 500,
  endedAt: 505,
  user: "u",
  sku: "fine",
  status: 200,
  worker: "w1",
  shown: 2,
  quote: { price: 1_000, currency: "CNY" },
};
/** v4's missing currency, met at `startedAt`. */
const failure = (startedAt: number, of: Partial<Answer> = {}): Answer => ({
  ...good,
  startedAt,
  endedAt: startedAt + 5,
  sku: "broken",
  status: 500,
  shown: 4,
  quote: null,
  ...of,
});

function ledgerOf(...answers: readonly Answer[]): Ledger {
  const ledger = createLedger(truth);
  for (const answer of answers) ledger.add(answer);
  return ledger;
}

test("what the broken version explains is counted until it is taken back, and timed from the first answer", () => {
  const ledger = ledgerOf(good, failure(600), failure(800), failure(1_005), good);
  expect(ledger.summary(facts)).toEqual({
    requests: 5,
    badServed: 3,
    badServedAfterRevert: 0,
    controlErrors: 0,
    detectFailedRequests: 2,
    firstBadAt: 605,
    detectMs: 395,
    revertMs: 30,
    faults: { "server error": 3 },
  });
});

test("a request that began after its own process had taken the version back is after the revert", () => {
  const ledger = ledgerOf(failure(1_020, { worker: "w1" }), failure(1_020, { worker: "w2" }));
  expect(ledger.summary(facts)).toMatchObject({ badServed: 2, badServedAfterRevert: 1, controlErrors: 1 });
});

test("a process that nobody knows is held to the last of them", () => {
  const ledger = ledgerOf(failure(1_020, { worker: null }), failure(1_040, { worker: null }));
  expect(ledger.summary(facts).badServedAfterRevert).toBe(1);
});

test("the taken back version is bad afterwards even where it is right", () => {
  const right: Answer = { ...good, startedAt: 1_500, shown: 4, quote: { price: 950, currency: "CNY" } };
  expect(ledgerOf({ ...right, startedAt: 900 }).summary(facts)).toMatchObject({ badServed: 0 });
  expect(ledgerOf(right).summary(facts)).toMatchObject({
    badServed: 1,
    badServedAfterRevert: 1,
    faults: { "taken back, and shown": 1 },
  });
});

test("an error at an article that the broken version has right is not explained by it", () => {
  expect(ledgerOf(failure(700, { sku: "fine" })).summary(facts)).toMatchObject({ badServed: 1, controlErrors: 1 });
});

test("an error of a request that says that it showed the version before is not explained either", () => {
  expect(ledgerOf(failure(700, { shown: 2 })).summary(facts)).toMatchObject({ badServed: 1, controlErrors: 1 });
});

test("where nobody took it back everything bad counts as failed until it was noticed, and no time is given", () => {
  const ledger = ledgerOf(failure(600), failure(5_000));
  expect(ledger.summary({ broken: 4, revertAt: null, appliedAt: {} })).toMatchObject({
    badServed: 2,
    badServedAfterRevert: 0,
    controlErrors: 0,
    detectFailedRequests: 2,
    detectMs: null,
    revertMs: null,
  });
});

test("a tally holds what began in its span", () => {
  const ledger = ledgerOf(good, { ...good, startedAt: 600, worker: "w2" }, failure(600), { ...good, startedAt: 601 });
  expect(ledger.tally({ from: 501, to: 600 })).toEqual({
    requests: 2,
    bad: 1,
    ok: 1,
    faults: { "server error": 1 },
    shown: { 2: 1, 4: 1 },
    badShown: { 4: 1 },
    workers: { w1: 1, w2: 1 },
  });
});

test("an answer that is late is explained by a coupon of the version that it shows, and by nothing else", () => {
  const coupon = new Map([["fine", { price: 1_000, currency: "CNY", hasCoupon: true }]]);
  const impatient: Truth = { ...truth, files: new Map([...truth.files, [4, coupon]]), patienceMs: 600 };
  const late = { ...good, endedAt: good.startedAt + 700 };
  const ledger = createLedger(impatient);
  for (const answer of [{ ...late, shown: 4 }, late, { ...good, shown: 4 }]) ledger.add(answer);
  expect(ledger.summary({ ...facts, revertAt: 2_000 })).toMatchObject({
    badServed: 2,
    controlErrors: 1,
    detectFailedRequests: 1,
    faults: { "too slow": 2 },
  });
});
