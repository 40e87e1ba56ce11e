import type { SQLOutputValue } from "node:sqlite";

/** A row as SQLite gives it. */
export type Row = Record<string, SQLOutputValue>;

/** A column that holds a text. */
export function text(value: SQLOutputValue | undefined): string {
  if (typeof value !== "string") throw new Error(`a text was expected, not ${typeof value}`);
  return value;
}

/** A column that holds a whole number, or none. */
export function wholeOrNull(value: SQLOutputValue | undefined): number | null {
  return typeof value === "number" ? value : null;
}
