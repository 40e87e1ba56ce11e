// What goes on in a shop all day: stock that changes 100 times a second, and a robot that moves 10 prices a second.
import { parseArgs } from "node:util";
import { fetchTruth } from "./judge/truth.ts";
import { tellParent } from "./stage/child.ts";

const { values } = parseArgs({
  options: {
    sluice: { type: "string", default: "http://127.0.0.1:7070" },
    upstream: { type: "string", default: "" },
  },
});

const stockPerSecond = 100;
const pricesPerSecond = 10;
const inFlightMax = 64;
const reportMs = 1_000;

const { files, costs } = await fetchTruth(values.upstream, ["v2"]);
const skus = [...costs.keys()];
const done = { stock: 0, prices: 0, failed: 0 };
let inFlight = 0;

/** A patch of one article: a JSON merge patch of its value. */
async function patch(dataset: "stock" | "prices", key: string, merge: unknown): Promise<void> {
  if (inFlight >= inFlightMax) return;
  inFlight += 1;
  try {
    const answer = await fetch(`${values.sluice}/v1/datasets/${dataset}/patches`, {
      method: "POST",
      headers: { "content-type": "application/json", "sluice-actor": `${dataset} robot` },
      body: JSON.stringify({ items: [{ key, merge }] }),
      signal: AbortSignal.timeout(5_000),
    });
    await answer.arrayBuffer();
    done[answer.ok ? dataset : "failed"] += 1;
  } catch {
    done.failed += 1;
  } finally {
    inFlight -= 1;
  }
}

function anySku(): string {
  return skus[Math.floor(Math.random() * skus.length)] ?? "";
}

function changeStock(): void {
  void patch("stock", anySku(), { stock: Math.floor(Math.random() * 480) });
}

function changePrice(): void {
  const sku = anySku();
  const price = files.get(1)?.get(sku)?.price ?? 0;
  // A few per cent around the price of v2, which leaves every article over its cost.
  void patch("prices", sku, { price: Math.round(price * (0.97 + Math.random() * 0.08)) });
}

/** Calls `change` so many times a second; a timer that comes late makes up for it. */
function keepUp(perSecond: number, change: () => void): void {
  let last = performance.now();
  let due = 0;
  setInterval(() => {
    const now = performance.now();
    due = Math.min(due + ((now - last) * perSecond) / 1_000, perSecond);
    last = now;
    for (; due >= 1; due -= 1) change();
  }, 10);
}

keepUp(stockPerSecond, changeStock);
keepUp(pricesPerSecond, changePrice);
setInterval(() => tellParent({ type: "patched", ...done }), reportMs);
process.on("SIGTERM", () => process.exit(0));
