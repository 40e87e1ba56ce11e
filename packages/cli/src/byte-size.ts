import { SluiceError } from "@sluice/core";

const units: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  kB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

/** A number of bytes as people write it: `4096`, `500MB`, `1GiB`. Throws VALIDATION. */
export function parseByteSize(text: string): number {
  const [, digits, unit = ""] = /^(\d{1,9})([a-zA-Z]*)$/.exec(text.trim()) ?? [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  if (digits === undefined || factor === undefined) {
    throw new SluiceError("VALIDATION", `expected a size such as 500MB or 1GiB, came ${JSON.stringify(text)}`);
  }
  return Number(digits) * factor;
}
