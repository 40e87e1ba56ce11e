import { SluiceError } from "@sluice/core";
import { InvalidArgumentError } from "commander";

/** A parser of an argument as commander takes it: what it throws becomes a usage error that names the argument. */
export function argument<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? `${error.message}.` : "");
    }
  };
}

/** The number of a version, `4` or `v4`. Throws VALIDATION. */
export function parseVersion(text: string): number {
  const [, digits] = /^v?([1-9]\d{0,14})$/.exec(text.trim()) ?? [];
  if (digits === undefined) {
    throw new SluiceError("VALIDATION", `expected the number of a version such as 4, came ${JSON.stringify(text)}`);
  }
  return Number(digits);
}

/** A whole number within bounds. Throws VALIDATION. */
export function parseWhole(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= minimum && number <= maximum) return number;
    throw new SluiceError("VALIDATION", `expected a whole number from ${minimum} to ${maximum}, came ${text}`);
  };
}
