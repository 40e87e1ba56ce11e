/** What came of asking the payment side for money. */
export type Paid = { readonly id: string } | { readonly refused: string };

/** Asks for a payment. Throws where the payment side gives no usable answer. */
export type Pay = (payment: { sku: string; total: number; currency: string }) => Promise<Paid>;

/** How long a shopper is kept waiting, in milliseconds. */
const patienceMs = 3_000;

/** Makes a client of the payment side at `url`. */
export function createPay(url: string): Pay {
  return async (payment) => {
    const answer = await fetch(`${url}/payments`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(payment),
      signal: AbortSignal.timeout(patienceMs),
    });
    const body = (await answer.json()) as { id?: string; reason?: string };
    if (answer.status === 201 && body.id !== undefined) return { id: body.id };
    if (answer.status === 422 && body.reason !== undefined) return { refused: body.reason };
    throw new Error(`the payment side answered ${answer.status}: ${JSON.stringify(body)}`);
  };
}
