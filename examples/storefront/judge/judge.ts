// The judge knows the merchandising system's files, which it fetched itself, and what a shopper was answered. It imports nothing.

/** What a price file says of one article. */
export interface Quote {
  /** In fen. */
  readonly price: number;
  readonly currency: string | null;
  /** Whether the page has to ask somebody what the article's coupon is worth. */
  readonly hasCoupon: boolean;
}

/** What is true, whoever claims otherwise. */
export interface Truth {
  /** Every price file by its number: what `v2` says stands under 2. */
  readonly files: ReadonlyMap<number, ReadonlyMap<string, Quote>>;
  /** What each article costs the shop, in fen. */
  readonly costs: ReadonlyMap<string, number>;
  /** For how long a shopper waits gladly; null: however long. */
  readonly patienceMs: number | null;
}

/** One request of a shopper and what came of it. Times are milliseconds since the Unix epoch. */
export interface Answer {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly user: string;
  readonly sku: string;
  /** 0 where no answer came. */
  readonly status: number;
  /** Which of the shop's processes says that it answered. */
  readonly worker: string | null;
  /** Number of the version that the answer claims to show. */
  readonly shown: number | null;
  readonly quote: Pick<Quote, "price" | "currency"> | null;
}

/** What is wrong with an answer. */
export type Fault =
  | "no answer"
  | "server error"
  | "refused"
  | "not the price of its version"
  | "no currency"
  | "under cost"
  | "too slow";

/** What is wrong with an answer, whichever arm it claims to be of; null where nothing is. */
export function judge({ status, sku, shown, quote, startedAt, endedAt }: Answer, truth: Truth): Fault | null {
  if (status === 0) return "no answer";
  if (status >= 500) return "server error";
  if (status !== 200 || quote === null) return "refused";
  const file = shown === null ? undefined : truth.files.get(shown);
  const said = file?.get(sku);
  // A version that no file made came of patches, and is held to what holds for every price.
  if (shown === null || (file !== undefined && !isSame(said, quote))) return "not the price of its version";
  const isSlow = truth.patienceMs !== null && endedAt - startedAt > truth.patienceMs;
  return faultOf(sku, quote, truth) ?? (isSlow ? "too slow" : null);
}

/** What is wrong with a price, whoever says it; null where it can be shown and sold at. */
export function faultOf(
  sku: string,
  { price, currency }: Pick<Quote, "price" | "currency">,
  { costs }: Truth,
): Fault | null {
  if (currency === null) return "no currency";
  return price < (costs.get(sku) ?? Number.POSITIVE_INFINITY) ? "under cost" : null;
}

function isSame(said: Quote | undefined, quote: Pick<Quote, "price" | "currency">): boolean {
  return said !== undefined && said.price === quote.price && said.currency === quote.currency;
}
