/** The languages of the shop. */
export type Language = "zh" | "en";

const locales = { zh: "zh-CN", en: "en-US" } as const;

/** An amount in a currency's smallest unit as people read it: `¥1,299.00`. */
export function formatMoney(amount: number, currency: string, language: Language): string {
  const options = { style: "currency", currency, currencyDisplay: "narrowSymbol" } as const;
  return new Intl.NumberFormat(locales[language], options).format(amount / 100);
}
