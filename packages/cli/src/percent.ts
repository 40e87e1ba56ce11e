import { SluiceError } from "@sluice/core";

/**
 * A percentage as people write it (`5`, `2.007`, `20%`) in thousandths of a percent, 0 to 100,000. Done on the text, since
 * `2.007 * 1000` is not 2007. Throws VALIDATION for what is no percentage, above 100, or finer than a step of 0.001.
 */
export function parsePercent(text: string): number {
  const [, whole, fraction = ""] = /^0*(\d+)(?:\.(\d+))?\s*%?$/.exec(text.trim()) ?? [];
  if (whole === undefined) return refuse(`expected a percentage such as 5 or 2.5, came ${JSON.stringify(text)}`);
  const digits = fraction.replace(/0+$/, "");
  const isAbove = whole.length > 3 || Number(whole) > 100 || (whole === "100" && digits !== "");
  if (isAbove) return refuse(`a percentage is at most 100, came ${text}`);
  if (digits.length > 3) return refuse(`a percentage moves in steps of 0.001, ${text} is finer`);
  return Number(`${whole}${digits.padEnd(3, "0")}`);
}

function refuse(message: string): never {
  throw new SluiceError("VALIDATION", message);
}
