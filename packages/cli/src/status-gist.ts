import type { StatusAnswer } from "@sluice/core/api";

/** What moves all the time while nothing happens that a person would look up for. */
const restless: ReadonlySet<string> = new Set([
  "sequence",
  "contactAgeMs",
  "store",
  "number",
  "items",
  "contentHash",
  "candidateArm",
  "controlArm",
  "servedShare",
  "evidence",
  "forMs",
  "lastSuccessAt",
  "applied",
]);

/** What of a status is more than ages and counts: two of the same gist differ in these alone. */
export function gistOf(status: StatusAnswer): string {
  return JSON.stringify({ ...status, at: 0 }, (name, value: unknown) => {
    if (restless.has(name)) return undefined;
    // A reason may say for how long.
    return name === "reasons" && Array.isArray(value)
      ? value.map((reason) => String(reason).replaceAll(/\d+/g, "#"))
      : value;
  });
}
