import type { Summary } from "../judge/ledger.ts";

/** What is compared, and how it is called. */
const rows: readonly (readonly [keyof Summary, string, string])[] = [
  ["detectFailedRequests", "failed requests until it was noticed", ""],
  ["detectMs", "from the first of them to the decision", "ms"],
  ["revertMs", "from the decision to the last process on the version before", "ms"],
  ["badServed", "bad answers in all", ""],
  ["badServedAfterRevert", "of them after a process had gone back", ""],
];

/** Both results side by side. */
export function sideBySide(sluice: Summary, flag: Summary): string {
  const width = Math.max(...rows.map(([, text]) => text.length));
  const line = (name: string, one: string, other: string): string =>
    `  ${name.padEnd(width)}  ${one.padStart(14)}  ${other.padStart(18)}`;
  return [
    line("", "Sluice", "flag + 60 s alert"),
    ...rows.map(([field, text, unit]) => line(text, show(sluice[field], unit), show(flag[field], unit))),
  ].join("\n");
}

function show(value: Summary[keyof Summary], unit: string): string {
  if (typeof value !== "number") return "–";
  return `${Math.round(value).toLocaleString("en-US")}${unit === "" ? "" : ` ${unit}`}`;
}
