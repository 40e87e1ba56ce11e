import type { RequestListener } from "node:http";
import { handleWith, readJson, sendJson } from "../stage/child.ts";

const bodyBytesMax = 16_384;

/** What the shop asks for: `POST /payments`. */
interface Payment {
  readonly sku: string;
  /** In the currency's smallest unit. */
  readonly total: number;
  readonly currency: string;
}

/**
 * Takes payments: 201 with an id, or 422 with `{reason}` where it will not: `below-cost`, `unknown-article`, `unknown-currency`.
 * What an article costs the shop is known here and nowhere else.
 */
export function createPayments(costsFen: ReadonlyMap<string, number>): RequestListener {
  let taken = 0;
  return handleWith(async (request, response) => {
    if (request.method !== "POST" || request.url !== "/payments") {
      sendJson(response, 404, { reason: "POST /payments is all there is" });
      return;
    }
    const body = await readJson(request, bodyBytesMax);
    if (!isPayment(body)) {
      sendJson(response, 400, { reason: "expected sku, total and currency" });
      return;
    }
    const reason = refusalOf(body, costsFen.get(body.sku));
    if (reason === null) taken += 1;
    sendJson(response, reason === null ? 201 : 422, reason === null ? { id: `P-${taken}` } : { reason });
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
