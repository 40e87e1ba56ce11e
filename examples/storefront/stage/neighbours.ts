import type { Facts, Summary, Tally } from "../judge/ledger.ts";
import type { OfferStatus } from "../upstream/offers.ts";

/** The merchandising system, as the stage moves it. */
export interface Merchandising {
  readonly url: string;
  offer(file: string): Promise<OfferStatus>;
  status(): Promise<OfferStatus>;
  file(name: string): Promise<string>;
}

/** The payment side, as the stage moves it. */
export interface PaymentSide {
  readonly url: string;
  /** From now on, for so many milliseconds, no payment is taken. */
  fail(forMs: number): Promise<void>;
}

/** The shoppers' ledger, as the stage reads it. */
export interface Ledger {
  /** Requests a second from now on. */
  pace(perSecond: number): Promise<void>;
  /** What was answered to requests that began in a span of milliseconds since the Unix epoch. */
  tally(from: number, to: number): Promise<Tally>;
  summary(facts: Facts): Promise<Summary>;
}

/** Makes a client of the merchandising system. */
export function createMerchandising(port: number): Merchandising {
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    offer: (file) => askJson(`${url}/offer/${file}`, { method: "POST" }),
    status: () => askJson(`${url}/offer`),
    file: async (name) => (await ask(`${url}/files/${name}`)).text(),
  };
}

/** Makes a client of the payment side. */
export function createPaymentSide(port: number): PaymentSide {
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    fail: async (forMs) => {
      await askJson(`${url}/outage?ms=${forMs}`, { method: "POST" });
    },
  };
}

/** Makes a client of the shoppers. */
export function createLedgerClient(port: number): Ledger {
  const url = `http://127.0.0.1:${port}`;
  return {
    pace: async (perSecond) => {
      await askJson(`${url}/pace`, post({ perSecond }));
    },
    tally: (from, to) => askJson(`${url}/tally?from=${from}&to=${to}`),
    summary: (facts) => askJson(`${url}/summary`, post(facts)),
  };
}

function post(body: unknown): RequestInit {
  return { method: "POST", body: JSON.stringify(body) };
}

async function ask(url: string, init?: RequestInit): Promise<Response> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(20_000), ...init });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return answer;
}

async function askJson<T>(url: string, init?: RequestInit): Promise<T> {
  return (await (await ask(url, init)).json()) as T;
}
