import { type CheckReport, createCheckRun, type JsonValue, priceChecks } from "@sluice/core";
import { expect, test } from "vitest";
import { createCatalogue, defaultSeed } from "./catalogue.ts";
import { createPriceFiles, type PriceRow } from "./price-files.ts";

/** The seeds that a person is likely to try, the demo's own among them. */
const seeds = [defaultSeed, 1, 2, 3, 42];

function jsonOf({ key, value }: PriceRow): [string, JsonValue] {
  return [key, JSON.parse(JSON.stringify(value))];
}

function lacksCurrency({ value }: PriceRow): boolean {
  return value.currency === undefined;
}

function check(before: readonly PriceRow[], after: readonly PriceRow[]): { report: CheckReport; changed: number } {
  const parent = new Map(before.map(jsonOf));
  const version = new Map(after.map(jsonOf));
  const run = createCheckRun(priceChecks, { parentItems: parent.size });
  let changed = 0;
  for (const key of new Set([...parent.keys(), ...version.keys()])) {
    const change = { key, before: parent.get(key), after: version.get(key) };
    if (JSON.stringify(change.before) === JSON.stringify(change.after)) continue;
    changed += 1;
    run.add(change);
  }
  return { report: run.finish({ items: version.size }), changed };
}

test.each(seeds)("of seed %i, the checks of prices let v2, v4 and v5 through and refuse v3", (seed) => {
  const { v1, v2, v3, v4, v5 } = createPriceFiles(createCatalogue(seed), seed);
  expect(check(v1, v2).report).toMatchObject({ refused: false, findings: [] });
  expect(check(v2, v4).report).toMatchObject({ refused: false, findings: [] });
  expect(check(v2, v5).report).toMatchObject({ refused: false, findings: [] });
  const kinds = check(v2, v3).report.findings.map((finding) => finding.check.kind);
  expect(kinds).toEqual(["keysRemoved", "numericChange"]);
});

test.each(seeds)("of seed %i, v2 moves about 5 %% of the prices and stays over cost", (seed) => {
  const articles = createCatalogue(seed);
  const { v1, v2 } = createPriceFiles(articles, seed);
  const { changed } = check(v1, v2);
  expect(changed).toBeGreaterThan(400);
  expect(changed).toBeLessThan(600);
  const costs = new Map(articles.map(({ sku, costFen }) => [sku, costFen]));
  expect(v2.filter(({ key, value }) => value.price < (costs.get(key) ?? 0) || value.currency !== "CNY")).toEqual([]);
});

test.each(seeds)("of seed %i, v4 breaks three tenths of the articles in two ways, and v5 corrects them all", (seed) => {
  const articles = createCatalogue(seed);
  const { v2, v4, v5 } = createPriceFiles(articles, seed);
  const costs = new Map(articles.map(({ sku, costFen }) => [sku, costFen]));
  const isUnderCost = ({ key, value }: PriceRow): boolean => value.price < (costs.get(key) ?? 0);
  expect(v4.filter(lacksCurrency).length / v4.length).toBeCloseTo(0.12, 1);
  expect(v4.filter(isUnderCost).length / v4.length).toBeCloseTo(0.18, 1);
  expect(v4.filter((row) => lacksCurrency(row) && isUnderCost(row))).toEqual([]);
  expect(check(v2, v4).changed / v4.length).toBeCloseTo(0.4, 1);
  expect(v5.filter((row) => lacksCurrency(row) || isUnderCost(row))).toEqual([]);
});

test.each(seeds)("of seed %i, coupons and shaky pass the checks of prices, and cents does not", (seed) => {
  const { v1, v5, coupons, shaky, cents } = createPriceFiles(createCatalogue(seed), seed);
  expect(check(v1, v5).report).toMatchObject({ refused: false, findings: [] });
  expect(check(v1, coupons).report).toMatchObject({ refused: false, findings: [] });
  expect(check(v5, shaky).report).toMatchObject({ refused: false, findings: [] });
  expect(check(v1, cents).report.refused).toBe(true);
});

test.each(seeds)("of seed %i, coupons, cents and shaky have what their scenarios are about", (seed) => {
  const articles = createCatalogue(seed);
  const { v1, v5, coupons, shaky, cents } = createPriceFiles(articles, seed);
  expect([
    coupons.filter(({ value }) => value.coupon !== undefined).length / v1.length,
    check(v1, coupons).changed / v1.length,
  ]).toEqual([expect.closeTo(0.4, 1), expect.closeTo(0.4, 1)]);
  expect(cents.filter(({ value }) => value.price === 1).length / v1.length).toBeCloseTo(0.3, 1);
  expect(articles.every(({ costFen }) => costFen > 1)).toBe(true);
  const share = shaky.filter(lacksCurrency).length / check(v5, shaky).changed;
  expect(share).toBeGreaterThan(0.13);
  expect(share).toBeLessThan(0.2);
});
