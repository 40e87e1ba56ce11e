import { SluiceError } from "@sluice/core";

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration as people write it (`250ms`, `30s`, `10m`, `1h`, `2d`) in whole milliseconds. Throws VALIDATION. */
export function parseDuration(text: string): number {
  const [, digits, unit = ""] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
  const factor = unitMs[unit];
  if (digits === undefined || factor === undefined) {
    throw new SluiceError(
      "VALIDATION",
      `expected a duration such as 250ms, 30s, 10m or 1h, came ${JSON.stringify(text)}`,
    );
  }
  return Number(digits) * factor;
}

/** A duration for people: one unit, rounded, the unit below it where it is short of 10. */
export function durationText(durationMs: number): string {
  const ms = Math.max(0, Math.round(durationMs));
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 10_000 && ms % 1_000 !== 0) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10 && seconds % 60 !== 0) return `${minutes} min ${seconds % 60} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 10 && minutes % 60 !== 0) return `${hours} h ${minutes % 60} min`;
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}
