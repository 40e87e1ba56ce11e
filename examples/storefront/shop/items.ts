/** A text in the shop's two languages. */
export interface Words {
  readonly zh: string;
  readonly en: string;
}

/** What the shop reads of a price. Like most code it takes the file's word for it that there is a currency. */
export interface Price {
  /** In the currency's smallest unit. */
  readonly price: number;
  readonly currency: string;
  /** A code that the payment side knows the worth of. */
  readonly coupon?: string;
  readonly name: Words;
  readonly brand: Words;
  readonly department: Words;
}

/** How many are left, for display. */
export interface Stock {
  readonly stock: number;
}

/** The datasets that the shop reads. */
export interface Items {
  readonly prices: Price;
  readonly stock: Stock;
}

/** A Standard Schema: zod, valibot and arktype make them, and so do these few lines. */
interface Schema<T> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => { readonly value: T } | { readonly issues: readonly { message: string }[] };
    readonly types?: { readonly input: T; readonly output: T } | undefined;
  };
}

/** The schema of each dataset: an object with a number where the shop calculates, the rest as it was published. */
export const schemas: { readonly [Name in keyof Items]: Schema<Items[Name]> } = {
  prices: withNumber("price"),
  stock: withNumber("stock"),
};

function withNumber<T>(field: string & keyof T): Schema<T> {
  const isItem = (value: unknown): value is T =>
    typeof value === "object" && value !== null && typeof (value as Record<string, unknown>)[field] === "number";
  return {
    "~standard": {
      version: 1,
      vendor: "storefront",
      validate: (value) => (isItem(value) ? { value } : { issues: [{ message: `expected a number in ${field}` }] }),
    },
  };
}
