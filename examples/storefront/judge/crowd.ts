import type { Answer } from "./judge.ts";

/** A crowd of shoppers who click at a steady pace. */
export interface Crowd {
  /** Requests a second from now on. */
  pace(perSecond: number): void;
  /** Requests that were not sent because too many waited for an answer. */
  readonly skipped: () => number;
}

/** How many shoppers there are: each is one targeting key. */
const usersCount = 2_000;

/** Of all requests, those that buy. */
const checkoutShare = 0.4;

/** Requests under way; a shop that is slower than this sees fewer, as a real one does. */
const inFlightMax = 200;

/** After this an answer counts as none, in milliseconds. */
const patienceMs = 10_000;

const tickMs = 10;

/** What an answer of the shop says about a price. */
interface Body {
  readonly price: number;
  readonly currency: string | null;
  readonly version: number;
}

/** Sets a crowd off at `shopUrl`; `random` gives 0 to below 1 and decides who looks at what. */
export function createCrowd(options: {
  readonly shopUrl: string;
  readonly skus: readonly string[];
  readonly random: () => number;
  readonly onAnswer: (answer: Answer) => void;
}): Crowd {
  const { shopUrl, skus, random, onAnswer } = options;
  let perSecond = 0;
  let due = 0;
  let inFlight = 0;
  let skipped = 0;
  let lastTickAt = performance.now();

  async function click(): Promise<void> {
    const user = `shopper-${Math.floor(random() * usersCount)}`;
    // Some articles are looked at much more often than others.
    const sku = skus[Math.floor(random() ** 1.6 * skus.length)] ?? "";
    const buys = random() < checkoutShare;
    const path = buys ? `/checkout?user=${user}&sku=${sku}` : `/product/${sku}?user=${user}`;
    const startedAt = Date.now();
    const got = await ask(shopUrl + path, buys ? "POST" : "GET");
    onAnswer({ startedAt, endedAt: Date.now(), user, sku, ...got });
  }

  setInterval(() => {
    const now = performance.now();
    // A tick that comes late sends what it owes, within reason.
    due = Math.min(due + ((now - lastTickAt) * perSecond) / 1_000, perSecond / 4);
    lastTickAt = now;
    for (; due >= 1; due -= 1) {
      if (inFlight >= inFlightMax) {
        skipped += 1;
        continue;
      }
      inFlight += 1;
      click()
        .catch((error: unknown) => console.error("a shopper stumbled", error))
        .finally(() => {
          inFlight -= 1;
        });
    }
  }, tickMs);

  return {
    pace(next) {
      perSecond = next;
    },
    skipped: () => skipped,
  };
}

async function ask(url: string, method: string): Promise<Pick<Answer, "status" | "worker" | "shown" | "quote">> {
  try {
    const headers = { accept: "application/json" };
    const answer = await fetch(url, { method, headers, signal: AbortSignal.timeout(patienceMs) });
    const worker = answer.headers.get("shop-worker");
    const claimed = answer.headers.get("shop-prices");
    const shown = claimed === null ? null : Number(claimed);
    const text = await answer.text();
    return { status: answer.status, worker, shown, quote: answer.status === 200 ? quoteOf(JSON.parse(text)) : null };
  } catch (error) {
    console.error(`no answer to ${method} ${url}:`, error instanceof Error ? (error.cause ?? error) : error);
    return { status: 0, worker: null, shown: null, quote: null };
  }
}

function quoteOf({ price, currency }: Body): Answer["quote"] {
  return { price, currency: currency ?? null };
}
