// The payment side: a process of its own that takes no total under what an article costs the shop, unless it is told to be lenient.
import { parseArgs } from "node:util";
import { createPayments } from "./payment/payments.ts";
import { listen } from "./stage/child.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    upstream: { type: "string" },
    lenient: { type: "string", default: "no" },
  },
});

const answer = await fetch(`${values.upstream}/files/costs.ndjson`);
if (!answer.ok) throw new Error(`the list of costs cannot be had: ${answer.status}`);
const rows = (await answer.text()).trimEnd().split("\n");
const costsFen = new Map(
  rows.map((row) => {
    const { key, value }: { key: string; value: number } = JSON.parse(row);
    return [key, value];
  }),
);

/** Longer than a shopper waits gladly. */
const couponMs = 2_000;

const payments = createPayments({ costsFen, lenient: values.lenient === "yes", couponMs, nowMs: Date.now });
listen(payments, Number(values.port), `the payment side (${costsFen.size} articles)`);
