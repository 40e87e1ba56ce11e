interface Decimal {
  /** Significant digits, without leading and trailing zeros; empty for zero. */
  readonly digits: string;
  /** Power of ten of the last digit. */
  readonly exponent: number;
}

/**
 * Whether a JSON number says exactly what the double that it is read as says when printed: the decimal digits of the text,
 * normalised, are those of the double's shortest form. `0.1`, `1.0`, `1e2` survive; `0.1000000000000000055` and `1e400` do not.
 */
export function survivesAsDouble(text: string, value: number): boolean {
  if (!Number.isFinite(value)) return false;
  const came = normalise(text);
  const kept = normalise(String(value));
  return came.digits === kept.digits && (came.digits === "" || came.exponent === kept.exponent);
}

function normalise(text: string): Decimal {
  const unsigned = text.startsWith("-") ? text.slice(1) : text;
  const mark = unsigned.search(/e/i);
  const mantissa = mark === -1 ? unsigned : unsigned.slice(0, mark);
  const dot = mantissa.indexOf(".");
  const all = dot === -1 ? mantissa : mantissa.slice(0, dot) + mantissa.slice(dot + 1);
  // Loops, not /0+$/: that is quadratic on a long run of zeros in the middle.
  let start = 0;
  while (all[start] === "0") start++;
  let end = all.length;
  while (end > start && all[end - 1] === "0") end--;
  const written = mark === -1 ? 0 : Number(unsigned.slice(mark + 1));
  const decimals = dot === -1 ? 0 : mantissa.length - dot - 1;
  return { digits: all.slice(start, end), exponent: written - decimals + (all.length - end) };
}
