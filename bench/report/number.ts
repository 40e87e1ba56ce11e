/** A number with about three digits that count: 0.0123, 1.85, 12.3, 1,234. */
export function numberText(value: number): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toLocaleString("en", { maximumFractionDigits: Math.min(digits, 6) });
}

/** Nanoseconds in the unit that fits. */
export function durationText(ns: number): string {
  if (ns < 1_000) return `${numberText(ns)} ns`;
  if (ns < 1_000_000) return `${numberText(ns / 1_000)} µs`;
  if (ns < 1_000_000_000) return `${numberText(ns / 1_000_000)} ms`;
  return `${numberText(ns / 1_000_000_000)} s`;
}

/** Bytes in millions. */
export function megabytesText(bytes: number): string {
  return `${numberText(bytes / 1_000_000)} MB`;
}
