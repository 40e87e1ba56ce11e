/** What came of asking the payment side for money; a payment that is taken may still concern it. */
export type Paid = { readonly id: string; readonly concern: string | null } | { readonly refused: string };

/** The payment side. Both throw where it gives no usable answer. */
export interface PaymentSide {
  pay(payment: { sku: string; total: number; currency: string }): Promise<Paid>;
  /** What a coupon is worth, in words. */
  coupon(code: string): Promise<string>;
}

/** How long a shopper is kept waiting, in milliseconds. */
const patienceMs = 3_000;

/** Makes a client of the payment side at `url`. */
export function createPaymentSide(url: string): PaymentSide {
  async function ask(path: string, init: RequestInit): Promise<{ status: number; body: Answer }> {
    const answer = await fetch(url + path, { ...init, signal: AbortSignal.timeout(patienceMs) });
    return { status: answer.status, body: (await answer.json()) as Answer };
  }

  return {
    async pay(payment) {
      const headers = { "content-type": "application/json" };
      const { status, body } = await ask("/payments", { method: "POST", headers, body: JSON.stringify(payment) });
      if (status === 201 && body.id !== undefined) return { id: body.id, concern: body.concern ?? null };
      if (status === 422 && body.reason !== undefined) return { refused: body.reason };
      throw new Error(`the payment side answered ${status}: ${JSON.stringify(body)}`);
    },
    async coupon(code) {
      const { status, body } = await ask(`/coupons/${encodeURIComponent(code)}`, {});
      if (status === 200 && body.worth !== undefined) return body.worth;
      throw new Error(`the payment side answered ${status}: ${JSON.stringify(body)}`);
    },
  };
}

interface Answer {
  readonly id?: string;
  readonly concern?: string | null;
  readonly reason?: string;
  readonly worth?: string;
}
