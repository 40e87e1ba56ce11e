import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { handleWith, readJson, sendJson } from "../stage/child.ts";

const bodyBytesMax = 16_384;

/** What the shop asks for: `POST /payments`. */
interface Payment {
  readonly sku: string;
  /** In the currency's smallest unit. */
  readonly total: number;
  readonly currency: string;
}

/** How the payment side behaves; all times in milliseconds. */
export interface PaymentsOptions {
  /** What each article costs the shop, in fen. It is known here and nowhere else. */
  readonly costsFen: ReadonlyMap<string, number>;
  /** What is under cost is taken all the same, with a concern. */
  readonly lenient: boolean;
  /** How long it takes to find out what a coupon is worth. */
  readonly couponMs: number;
  readonly nowMs: () => number;
}

/**
 * The payment side.
 *  - `POST /payments`: 201 with an id and a `concern` or null, or 422 with `{reason}` where it will not: `below-cost`,
 *    `unknown-article`, `unknown-currency`.
 *  - `GET /coupons/CODE`: what a coupon is worth. Who issued it is asked each time, and is slow.
 *  - `POST /outage?ms=5000`: for so long every payment is answered with 503.
 */
export function createPayments({ costsFen, lenient, couponMs, nowMs }: PaymentsOptions): RequestListener {
  let taken = 0;
  let outUntil = 0;

  async function takePayment(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readJson(request, bodyBytesMax);
    if (nowMs() < outUntil) {
      sendJson(response, 503, { reason: "the bank does not answer" });
      return;
    }
    if (!isPayment(body)) {
      sendJson(response, 400, { reason: "expected sku, total and currency" });
      return;
    }
    const reason = refusalOf(body, costsFen.get(body.sku));
    const isTaken = reason === null || (lenient && reason === "below-cost");
    if (isTaken) taken += 1;
    sendJson(response, isTaken ? 201 : 422, isTaken ? { id: `P-${taken}`, concern: reason } : { reason });
  }

  return handleWith(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://payment");
    const asked = `${request.method} ${pathname}`;
    if (asked === "POST /payments") await takePayment(request, response);
    else if (asked === "POST /outage") {
      outUntil = nowMs() + Number(searchParams.get("ms"));
      sendJson(response, 200, { until: outUntil });
    } else if (asked.startsWith("GET /coupons/")) {
      setTimeout(() => sendJson(response, 200, { worth: "-10 %" }), couponMs);
    } else sendJson(response, 404, { reason: `no ${asked} here` });
  });
}

function refusalOf({ total, currency }: Payment, costFen: number | undefined): string | null {
  if (costFen === undefined) return "unknown-article";
  if (currency !== "CNY") return "unknown-currency";
  return total < costFen ? "below-cost" : null;
}

function isPayment(body: unknown): body is Payment {
  if (typeof body !== "object" || body === null) return false;
  const { sku, total, currency } = body as Partial<Record<keyof Payment, unknown>>;
  return typeof sku === "string" && typeof currency === "string" && Number.isSafeInteger(total) && Number(total) > 0;
}
