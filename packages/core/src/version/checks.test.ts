import fc from "fast-check";
import { expect, test } from "vitest";
import { type Check, type CheckReport, createCheckRun, type ItemChange, priceChecks, stockChecks } from "./checks.ts";
import type { JsonValue } from "./json-value.ts";

type Version = ReadonlyMap<string, JsonValue>;

function check(checks: readonly Check[], parent: Version, version: Version): CheckReport {
  const run = createCheckRun(checks, { parentItems: parent.size });
  for (const key of new Set([...parent.keys(), ...version.keys()])) {
    const change: ItemChange = { key, before: parent.get(key), after: version.get(key) };
    if (JSON.stringify(change.before) !== JSON.stringify(change.after)) run.add(change);
  }
  return run.finish({ items: version.size });
}

/** A catalogue in which every price is cost with a margin of 40 %. */
function catalogue(count: number): Map<string, { price: number; cost: number; currency?: string }> {
  return new Map(
    Array.from({ length: count }, (_, index) => {
      const cost = 10 + (index % 500);
      return [`sku-${index}`, { price: Math.round(cost * 140) / 100, cost, currency: "CNY" }];
    }),
  );
}

const none: Version = new Map();

test("a file that lost half of its keys is refused by the price checks", () => {
  const parent = catalogue(1000);
  const report = check(priceChecks, parent, new Map([...parent].slice(0, 500)));
  expect(report).toMatchObject({ refused: true, badItemsTotal: 500 });
  expect(report.findings).toHaveLength(1);
  expect(report.findings[0]).toMatchObject({
    check: { kind: "keysRemoved" },
    action: "refuse",
    count: 500,
    message: "500 of 1000 keys (50 %) are gone, at most 5 % may",
  });
  expect(report.findings[0]?.examples).toHaveLength(100);
  expect(report.findings[0]?.examples[0]).toEqual({ key: "sku-500", path: "", reason: "the key is gone" });
});

test("a file with every price a hundredth of what it was is refused by the price checks", () => {
  const parent = catalogue(1000);
  const report = check(
    priceChecks,
    parent,
    new Map([...parent].map(([key, item]) => [key, { ...item, price: item.price / 100 }])),
  );
  expect(report).toMatchObject({ refused: true, badItemsTotal: 1000 });
  expect(report.findings[0]?.message).toBe(
    "1000 of 1000 changed items (100 %) change /price by too much, at most 1 % may",
  );
  expect(report.findings[0]?.examples[0]).toEqual({
    key: "sku-0",
    path: "/price",
    reason: "fell from 14 to 0.14, by more than 50 %",
  });
});

test("a file with missing currencies and prices under cost passes the price checks: that is for the guard to see", () => {
  const parent = catalogue(10_000);
  const version = new Map<string, JsonValue>(
    [...parent].map(([key, item], index) => {
      const { currency: _missing, ...rest } = item;
      if (index % 20 === 0) return [key, rest];
      if (index % 25 === 1) return [key, { ...item, price: Math.round(item.cost * 90) / 100 }];
      return [key, { ...item, price: Math.round(item.price * 95) / 100 }];
    }),
  );
  expect(check(priceChecks, parent, version)).toEqual({ refused: false, findings: [], badItemsTotal: 0 });
});

test("a price that is missing, negative or a text is refused, in a first version too", () => {
  const version = new Map<string, JsonValue>([
    ["good", { price: 0 }],
    ["missing", { cost: 1 }],
    ["negative", { price: -1 }],
    ["text", { price: "9.90" }],
    ["scalar", 7],
  ]);
  const report = check(priceChecks, none, version);
  expect(report).toMatchObject({ refused: true, badItemsTotal: 4 });
  expect(report.findings[0]?.examples.map(({ key, reason }) => `${key}: ${reason}`)).toEqual([
    "missing: expected number value, came nothing",
    "negative: expected at least 0, came -1",
    'text: expected number value, came "9.90"',
    "scalar: expected number value, came nothing",
  ]);
});

test("stock below zero is refused", () => {
  const parent: Version = new Map([["a", { stock: 3 }]]);
  expect(check(stockChecks, parent, new Map([["a", { stock: 0 }]])).refused).toBe(false);
  expect(check(stockChecks, parent, new Map([["a", { stock: -1 }]])).findings[0]?.message).toBe(
    "1 of 1 added and changed items (100 %) have a forbidden /stock, none may",
  );
});

test("exactly the share that is allowed is allowed", () => {
  const checks: Check[] = [{ kind: "keysChanged", shareMax: 0.07, action: "warn" }];
  const parent: Version = new Map(Array.from({ length: 100 }, (_, index) => [`k${index}`, 0]));
  const changed = (count: number): Version => new Map([...parent].map(([key], index) => [key, index < count ? 1 : 0]));
  expect(check(checks, parent, changed(7)).findings).toEqual([]);
  expect(check(checks, parent, changed(8))).toMatchObject({
    refused: false,
    findings: [{ count: 8, action: "warn" }],
    badItemsTotal: 0,
  });
});

test("a change up to the limit is allowed, and one from zero has no limit that it keeps", () => {
  const checks: Check[] = [{ kind: "numericChange", field: "", decreaseMax: 0.5, increaseMax: 2, action: "refuse" }];
  const refused = (before: JsonValue, after: JsonValue) =>
    check(checks, new Map([["a", before]]), new Map([["a", after]])).refused;
  expect([refused(100, 50), refused(100, 300), refused("x", 1), refused(5, "x"), refused(-10, -15)]).toEqual([
    false,
    false,
    false,
    false,
    false,
  ]);
  expect([refused(100, 49.99), refused(100, 300.01), refused(0, 0.01), refused(-10, -16)]).toEqual([
    true,
    true,
    true,
    true,
  ]);
});

const rule = (fields: Partial<Extract<Check, { kind: "forbiddenValue" }>>, value: JsonValue) =>
  check([{ kind: "forbiddenValue", field: "/v", action: "refuse", ...fields }], none, new Map([["a", { v: value }]]))
    .refused;

test("of a forbidden value, the other rules hold too", () => {
  expect([rule({ maximum: 5 }, 5), rule({ maximum: 5 }, 6)]).toEqual([false, true]);
  expect([rule({ oneOf: ["CNY", null] }, null), rule({ oneOf: ["CNY", null] }, "USD")]).toEqual([false, true]);
  expect([rule({ type: "integer" }, 5), rule({ type: "integer" }, 5.5)]).toEqual([false, true]);
  expect([rule({ type: "array" }, []), rule({ type: "array" }, {})]).toEqual([false, true]);
  expect([rule({ type: "object" }, {}), rule({ type: "object" }, null)]).toEqual([false, true]);
  expect([rule({ type: "null" }, null), rule({ type: "boolean" }, null)]).toEqual([false, true]);
});

test("an item that several refusing checks object to is one bad item, and warnings add none", () => {
  const checks: Check[] = [
    { kind: "forbiddenValue", field: "/price", minimum: 0, action: "refuse" },
    { kind: "numericChange", field: "/price", decreaseMax: 0.5, action: "refuse" },
    { kind: "forbiddenValue", field: "/name", required: true, action: "warn" },
    { kind: "keysChanged", shareMax: 1, action: "refuse" },
  ];
  const parent: Version = new Map([
    ["a", { price: 1, name: "A" }],
    ["b", { price: 1, name: "B" }],
    ["c", { price: 1, name: "C" }],
  ]);
  const version: Version = new Map([
    ["a", { price: -1, name: "A" }],
    ["b", { price: 0.1 }],
    ["c", { price: 1 }],
  ]);
  const report = check(checks, parent, version);
  expect(report.findings.map(({ action, count }) => [action, count])).toEqual([
    ["refuse", 1],
    ["refuse", 2],
    ["warn", 2],
  ]);
  expect(report.badItemsTotal).toBe(2);
});

test("counts and refusals do not depend on the order of the changes", () => {
  const changes = fc.uniqueArray(
    fc.record({
      key: fc.string({ minLength: 1 }),
      before: fc.option(fc.integer({ min: -5, max: 5 }), { nil: undefined }),
      after: fc.integer({ min: -5, max: 5 }),
    }),
    { selector: ({ key }) => key },
  );
  const checks: Check[] = [
    { kind: "numericChange", field: "", decreaseMax: 0.5, shareMax: 0.2, action: "warn" },
    { kind: "forbiddenValue", field: "", minimum: 0, shareMax: 0.3, action: "refuse" },
  ];
  const run = (fed: readonly ItemChange[]) => {
    const checkRun = createCheckRun(checks, { parentItems: 1000 });
    for (const change of fed) checkRun.add(change);
    const added = fed.filter(({ before }) => before === undefined).length;
    const { findings, ...rest } = checkRun.finish({ items: 1000 + added });
    return { ...rest, findings: findings.map(({ count, message }) => [count, message]) };
  };
  fc.assert(
    fc.property(changes, (fed) => {
      expect(run(fed.toReversed())).toEqual(run(fed));
    }),
  );
});

test("a run that was not fed the whole difference stops at once", () => {
  const run = createCheckRun([], { parentItems: 10 });
  run.add({ key: "a", before: 1, after: undefined });
  expect(() => run.finish({ items: 10 })).toThrow("the changes fed lead to 9 items, the version has 10");
});

test("runs over the pieces of a difference add up to a run over the whole", () => {
  const parent = catalogue(400);
  const version = new Map<string, JsonValue>(parent);
  for (const [index, [key, item]] of [...parent].entries()) {
    if (index % 3 === 0) version.set(key, { ...item, price: index % 2 === 0 ? -1 : item.price * 9 });
    if (index % 7 === 0) version.delete(key);
  }
  const changes = [...parent]
    .map(([key, before]): ItemChange => ({ key, before, after: version.get(key) }))
    .filter(({ before, after }) => before !== after);
  const sum = createCheckRun(priceChecks, { parentItems: parent.size });
  for (let start = 0; start < changes.length; start += 37) {
    const piece = createCheckRun(priceChecks, { parentItems: 0 });
    for (const change of changes.slice(start, start + 37)) piece.add(change);
    sum.merge(piece.tally());
  }
  const whole = check(priceChecks, parent, version);
  expect(sum.finish({ items: version.size })).toEqual(whole);
  expect(whole.findings.length).toBeGreaterThan(1);
});
