import type { Quote, Truth } from "./judge.ts";

interface PriceRow {
  readonly key: string;
  readonly value: { readonly price: number; readonly currency?: string };
}

/** Fetches the merchandising system's own files: the truth that answers are held to. */
export async function fetchTruth(upstreamUrl: string, files: readonly number[]): Promise<Truth> {
  const costs = (await fetchRows(`${upstreamUrl}/files/costs.ndjson`)) as { key: string; value: number }[];
  const quotes = new Map<number, ReadonlyMap<string, Quote>>();
  for (const number of files) {
    const rows = (await fetchRows(`${upstreamUrl}/files/v${number}.ndjson`)) as PriceRow[];
    const quoteOf = ({ value }: PriceRow): Quote => ({ price: value.price, currency: value.currency ?? null });
    quotes.set(number, new Map(rows.map((row) => [row.key, quoteOf(row)])));
  }
  return { files: quotes, costs: new Map(costs.map(({ key, value }) => [key, value])) };
}

async function fetchRows(url: string): Promise<unknown[]> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  const lines = (await answer.text()).trimEnd().split("\n");
  return lines.map((line): unknown => JSON.parse(line));
}
