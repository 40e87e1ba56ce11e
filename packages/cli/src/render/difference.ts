import type { DifferenceExample, DifferenceSummary, JsonValue } from "@sluice/core";
import { countText, cutTo, jsonText, padTo, widthOf } from "../text.ts";

/** How many examples are shown to a person. */
const shownMax = 8;
const membersMax = 3;
const keyWidthMax = 24;

/** A difference in one line: `412 changed, 3 added, 1 removed`. */
export function differenceText({ added, changed, removed }: DifferenceSummary): string {
  const parts = [`${countText(changed)} changed`];
  if (added > 0) parts.push(`${countText(added)} added`);
  if (removed > 0) parts.push(`${countText(removed)} removed`);
  return parts.join(", ");
}

/** Examples of a difference, before -> after, each cut to a line of `columns`. */
export function exampleLines(difference: DifferenceSummary, columns: number): string[] {
  const shown = difference.examples.slice(0, shownMax);
  const keyWidth = Math.min(keyWidthMax, Math.max(0, ...shown.map(({ key }) => widthOf(key))));
  const lines = shown.map((example) => {
    const key = padTo(cutTo(example.key, keyWidth), keyWidth);
    return cutTo(`  ${signOf(example)} ${key}  ${changeText(example)}`, columns);
  });
  const { added, changed, removed } = difference;
  const more = added + changed + removed - shown.length;
  return more > 0 && shown.length > 0 ? [...lines, `  … and ${countText(more)} more`] : lines;
}

function signOf({ before, after, omitted }: DifferenceExample): string {
  if (omitted === true) return "~";
  if (before === undefined) return "+";
  return after === undefined ? "-" : "~";
}

function changeText({ before, after, omitted }: DifferenceExample): string {
  if (omitted === true) return "(a long value)";
  if (before === undefined) return after === undefined ? "" : jsonText(after);
  if (after === undefined) return jsonText(before);
  return memberChanges(before, after) ?? `${jsonText(before)} -> ${jsonText(after)}`;
}

/** Only the members that differ, where that is shorter to read than both values whole. */
function memberChanges(before: JsonValue, after: JsonValue): string | undefined {
  if (!isRecord(before) || !isRecord(after)) return undefined;
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const differing = names.filter((name) => valueText(before, name) !== valueText(after, name));
  if (differing.length === 0) return undefined;
  const texts = differing
    .slice(0, membersMax)
    .map((name) => `${name}: ${valueText(before, name)} -> ${valueText(after, name)}`);
  return differing.length > membersMax ? `${texts.join(", ")}, …` : texts.join(", ");
}

function valueText(record: Readonly<Record<string, JsonValue>>, name: string): string {
  const value = Object.hasOwn(record, name) ? record[name] : undefined;
  return value === undefined ? "nothing" : jsonText(value);
}

function isRecord(value: JsonValue): value is { [name: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
