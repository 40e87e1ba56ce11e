import type { Article } from "./catalogue.ts";
import { createRandom, type Random } from "./random.ts";

/** What a price file says of one article. The merchandising system should always give a currency; v4 shows that it may not. */
export interface PriceValue {
  /** In the currency's smallest unit. */
  readonly price: number;
  readonly currency?: string;
  /** What the page has to ask about before it can say what it is worth. */
  readonly coupon?: string;
  readonly name: { readonly zh: string; readonly en: string };
  readonly brand: { readonly zh: string; readonly en: string };
  readonly department: { readonly zh: string; readonly en: string };
}

/** One line of a price file. */
export interface PriceRow {
  readonly key: string;
  readonly value: PriceValue;
}

/** The files that the merchandising system can offer: those of the story by number, those of the other scenarios by what is in them. */
export type FileName = "v1" | "v2" | "v3" | "v4" | "v5" | "coupons" | "cents" | "shaky";

export const fileNames: readonly FileName[] = ["v1", "v2", "v3", "v4", "v5", "coupons", "cents", "shaky"];

/**
 * Makes the price files of a catalogue.
 *  - `v1` is the catalogue as it stands.
 *  - `v2` moves 5 % of the prices a little.
 *  - `v3` is an export that broke off half way, in yuan where fen are meant: no check of prices lets it through.
 *  - `v4` is the sale: 40 % of the articles change, and of all articles 12 % lost their currency and 18 % got the discount
 *    twice, which puts them under cost. No price falls by half, so that no check of prices can tell.
 *  - `v5` is the same sale, corrected.
 *  - `coupons` is the catalogue with a coupon on four of ten articles. Nothing in it is wrong.
 *  - `cents` is the catalogue with three of ten prices at 0.01 yuan. The checks of prices refuse it; a shop may have weaker ones.
 *  - `shaky` takes the sale of `v5` back to the catalogue, and one in six of those articles lost its currency on the way.
 */
export function createPriceFiles(articles: readonly Article[], seed: number): Record<FileName, PriceRow[]> {
  const random = createRandom(seed ^ 0x5eed);
  const v1 = articles.map((article) => rowOf(article, article.priceFen));
  const repriced = articles.map((article) =>
    random.next() < 0.05 ? movedPriceFen(article, random) : article.priceFen,
  );
  const pricesFen = (index: number): number => repriced[index] ?? 0;
  const v2 = articles.map((article, index) => rowOf(article, pricesFen(index)));
  const v3 = v2
    .slice(0, Math.floor(v2.length / 2))
    .map(({ key, value }) => ({ key, value: { ...value, price: value.price / 100 } }));
  const sale = articles.map((article, index) => drawSale(article, pricesFen(index), random));
  const v4 = sale.map(({ row }) => row);
  const v5 = sale.map(({ corrected }) => corrected);
  return { v1, v2, v3, v4, v5, ...createOtherFiles(v1, v5, seed) };
}

function createOtherFiles(
  v1: readonly PriceRow[],
  v5: readonly PriceRow[],
  seed: number,
): Record<"coupons" | "cents" | "shaky", PriceRow[]> {
  const random = createRandom(seed ^ 0x07e2);
  const coupons = v1.map((row) => {
    const coupon = `C-${row.key}`;
    return random.next() < 0.4 ? { ...row, value: { ...row.value, coupon } } : row;
  });
  const cents = v1.map((row) => (random.next() < 0.3 ? { ...row, value: { ...row.value, price: 1 } } : row));
  const shaky = v1.map((row, index) => {
    const wasOnSale = v5[index]?.value.price !== row.value.price;
    return wasOnSale && random.next() < 1 / 6 ? withoutCurrency(row) : row;
  });
  return { coupons, cents, shaky };
}

function rowOf(article: Article, price: number): PriceRow {
  const { sku, name, brand, department } = article;
  return { key: sku, value: { price, currency: "CNY", name, brand, department } };
}

/** Up or down by 4 to 10 %, which leaves it well over the cost. */
function movedPriceFen({ priceFen }: Article, random: Random): number {
  const share = 0.04 + random.next() * 0.06;
  return roundFen(priceFen * (random.next() < 0.6 ? 1 - share : 1 + share));
}

function drawSale(article: Article, priceFen: number, random: Random): { row: PriceRow; corrected: PriceRow } {
  const draw = random.next();
  const discounted = Math.max(roundFen(priceFen * (0.84 + random.next() * 0.1)), Math.ceil(article.costFen * 1.05));
  // Over half the price of before, or the checks would see it; under cost, or the payment side would not.
  const underCost = Math.max(Math.ceil(article.costFen * (0.92 + random.next() * 0.06)), Math.ceil(priceFen * 0.51));
  if (draw >= 0.4) return { row: rowOf(article, priceFen), corrected: rowOf(article, priceFen) };
  const corrected = rowOf(article, discounted);
  if (draw >= 0.3) return { row: corrected, corrected };
  if (draw >= 0.12) return { row: rowOf(article, underCost), corrected };
  return { row: withoutCurrency(corrected), corrected };
}

function withoutCurrency({ key, value: { currency: _lost, ...value } }: PriceRow): PriceRow {
  return { key, value };
}

/** To whole yuan, and to ten fen where the price is small. */
function roundFen(fen: number): number {
  const unit = fen < 10_000 ? 10 : 100;
  return Math.round(fen / unit) * unit;
}

/** A file's bytes: one JSON object a line. */
export function toNdjson(rows: Iterable<unknown>): string {
  return Array.from(rows, (row) => `${JSON.stringify(row)}\n`).join("");
}
