import { expect, test } from "vitest";
import { type Answer, judge, type Quote, type Truth } from "./judge.ts";

const quotes = (price: number, currency: string | null = "CNY"): ReadonlyMap<string, Quote> =>
  new Map([["TEA-1", { price, currency, hasCoupon: false }]]);

const truth: Truth = {
  files: new Map([
    [1, quotes(1_000)],
    [2, quotes(1_100)],
    [4, quotes(900, null)],
    [5, quotes(400)],
  ]),
  costs: new Map([["TEA-1", 700]]),
  patienceMs: null,
};

function answer(of: Partial<Answer> = {}): Answer {
  return {
    startedAt: 10,
    endedAt: 20,
    user: "u",
    sku: "TEA-1",
    status: 200,
    worker: "w1",
    shown: 2,
    quote: { price: 1_100, currency: "CNY" },
    ...of,
  };
}

test("the price of the version that is claimed is good", () => {
  expect(judge(answer(), truth)).toBeNull();
  expect(judge(answer({ shown: 1, quote: { price: 1_000, currency: "CNY" } }), truth)).toBeNull();
});

test("a price of another version than is claimed is bad, though both are out", () => {
  expect(judge(answer({ shown: 1 }), truth)).toBe("not the price of its version");
});

test("an answer that claims no version is bad, so that nothing is good for want of a claim", () => {
  expect(judge(answer({ shown: null }), truth)).toBe("not the price of its version");
});

test("an article that the claimed version does not have is bad", () => {
  expect(judge(answer({ sku: "TEA-2" }), truth)).toBe("not the price of its version");
});

test("what the file itself has wrong is bad", () => {
  expect(judge(answer({ shown: 4, quote: { price: 900, currency: null } }), truth)).toBe("no currency");
  expect(judge(answer({ shown: 5, quote: { price: 400, currency: "CNY" } }), truth)).toBe("under cost");
});

test("a price that came of patches is held to its currency and its cost", () => {
  expect(judge(answer({ shown: 77, quote: { price: 700, currency: "CNY" } }), truth)).toBeNull();
  expect(judge(answer({ shown: 77, quote: { price: 699, currency: "CNY" } }), truth)).toBe("under cost");
  expect(judge(answer({ sku: "TEA-2", shown: 77 }), truth)).toBe("under cost");
});

test("an answer that comes late is bad only where it was good otherwise and there is a patience to lose", () => {
  const impatient: Truth = { ...truth, patienceMs: 600 };
  expect(judge(answer({ endedAt: 5_000 }), truth)).toBeNull();
  expect(judge(answer({ endedAt: 610 }), impatient)).toBeNull();
  expect(judge(answer({ endedAt: 611 }), impatient)).toBe("too slow");
  expect(judge(answer({ endedAt: 611, shown: 4, quote: { price: 900, currency: null } }), impatient)).toBe(
    "no currency",
  );
});

test("an error, a refusal and silence are bad whatever they claim", () => {
  expect(judge(answer({ status: 500, quote: null }), truth)).toBe("server error");
  expect(judge(answer({ status: 422, quote: null }), truth)).toBe("refused");
  expect(judge(answer({ status: 404, quote: null }), truth)).toBe("refused");
  expect(judge(answer({ status: 0, quote: null, shown: null }), truth)).toBe("no answer");
});
