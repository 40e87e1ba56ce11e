import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { articlesCount, createCatalogue, defaultSeed } from "./catalogue.ts";
import { createPriceFiles, type FileName, fileNames, toNdjson } from "./price-files.ts";

const articles = createCatalogue(defaultSeed);

test("the catalogue has ten thousand articles, each with a key and a name of its own in both languages", () => {
  expect(articles).toHaveLength(articlesCount);
  for (const name of [
    articles.map(({ sku }) => sku),
    articles.map((article) => article.name.en),
    articles.map((article) => article.name.zh),
  ]) {
    expect(new Set(name).size).toBe(articlesCount);
  }
  expect(articles.filter(({ name }) => !/\p{Script=Han}/u.test(name.zh) || /\p{Script=Han}/u.test(name.en))).toEqual(
    [],
  );
});

test("every article costs more than the shop pays, in whole fen, and nothing costs more than a small car", () => {
  for (const { priceFen, costFen, stock } of articles) {
    expect(Number.isSafeInteger(priceFen) && Number.isSafeInteger(costFen) && Number.isSafeInteger(stock)).toBe(true);
    expect(priceFen).toBeGreaterThan(costFen * 1.3);
    expect(priceFen).toBeLessThan(2_000_000);
    expect(stock).toBeGreaterThanOrEqual(0);
  }
});

function hash(seed: number, names: readonly FileName[] = fileNames.slice(0, 5)): string {
  const catalogue = createCatalogue(seed);
  const files = createPriceFiles(catalogue, seed);
  const texts = names.map((name) => toNdjson(files[name]));
  return createHash("sha256").update(texts.join("\n")).update(JSON.stringify(catalogue)).digest("hex").slice(0, 16);
}

test("a seed gives the same bytes for ever, and another seed gives another shop", () => {
  expect(hash(defaultSeed)).toBe("3b27e994c26fb8c2");
  expect(hash(defaultSeed, fileNames.slice(5))).toBe("ea0de273d1a2393d");
  expect(hash(defaultSeed + 1)).not.toBe(hash(defaultSeed));
});
