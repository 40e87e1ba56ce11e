import type { Quote, Truth } from "./judge.ts";

interface PriceRow {
  readonly key: string;
  readonly value: { readonly price: number; readonly currency?: string; readonly coupon?: string };
}

/**
 * Fetches the merchandising system's own files: the truth that answers are held to. `names` are the files in the order in which they
 * are offered, so that the first is version 1.
 */
export async function fetchTruth(
  upstreamUrl: string,
  names: readonly string[],
  patienceMs: number | null = null,
): Promise<Truth> {
  const costs = (await fetchRows(`${upstreamUrl}/files/costs.ndjson`)) as { key: string; value: number }[];
  const quotes = new Map<number, ReadonlyMap<string, Quote>>();
  for (const [index, name] of names.entries()) {
    const rows = (await fetchRows(`${upstreamUrl}/files/${name}.ndjson`)) as PriceRow[];
    quotes.set(index + 1, new Map(rows.map((row) => [row.key, quoteOf(row)])));
  }
  return { files: quotes, costs: new Map(costs.map(({ key, value }) => [key, value])), patienceMs };
}

function quoteOf({ value: { price, currency, coupon } }: PriceRow): Quote {
  return { price, currency: currency ?? null, hasCoupon: coupon !== undefined };
}

async function fetchRows(url: string): Promise<unknown[]> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  const lines = (await answer.text()).trimEnd().split("\n");
  return lines.map((line): unknown => JSON.parse(line));
}
