import { assert, unreachable } from "../assert.ts";
import type { BadItem, Check, CheckedType, ItemChange, ItemTest } from "./checks.ts";
import { isJsonObject, type JsonValue, kindOf } from "./json-value.ts";
import { clipKey } from "./key.ts";
import { parsePointer, valueAt } from "./pointer.ts";

type FieldCheck = Extract<Check, { readonly field: string }>;

/** The test of one field of an item. */
export function createFieldCheck(check: FieldCheck): ItemTest {
  const tokens = parsePointer(check.field);
  assert(tokens !== undefined, `${check.field} is no RFC 6901 pointer; checkSchema refuses it`);
  return check.kind === "numericChange"
    ? (change) => numericFault(check, valueAt(change.before, tokens), valueAt(change.after, tokens))
    : (change) => forbiddenFault(check, change, tokens);
}

function numericFault(
  check: Extract<Check, { kind: "numericChange" }>,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
): Omit<BadItem, "key"> | undefined {
  if (typeof before !== "number" || typeof after !== "number") return undefined;
  const { field, decreaseMax, increaseMax } = check;
  const change = after - before;
  const size = Math.abs(before);
  if (decreaseMax !== undefined && -change > decreaseMax * size) {
    return { path: field, reason: `fell from ${before} to ${after}, by more than ${decreaseMax * 100} %` };
  }
  if (increaseMax !== undefined && change > increaseMax * size) {
    return { path: field, reason: `rose from ${before} to ${after}, by more than ${increaseMax * 100} %` };
  }
  return undefined;
}

function forbiddenFault(
  check: Extract<Check, { kind: "forbiddenValue" }>,
  change: ItemChange,
  tokens: readonly string[],
): Omit<BadItem, "key"> | undefined {
  if (change.after === undefined) return undefined;
  const value = valueAt(change.after, tokens);
  const expected = value === undefined ? missing(check) : unmet(check, value);
  return expected === undefined
    ? undefined
    : { path: check.field, reason: `expected ${expected}, came ${show(value)}` };
}

function missing(check: Extract<Check, { kind: "forbiddenValue" }>): string | undefined {
  return check.required === true ? (check.type === undefined ? "a value" : `${check.type} value`) : undefined;
}

/** What was expected, where the value is not that. */
function unmet(check: Extract<Check, { kind: "forbiddenValue" }>, value: JsonValue): string | undefined {
  const { type, minimum, maximum, oneOf } = check;
  if (type !== undefined && !isOfType(value, type)) return `${type} value`;
  if (minimum !== undefined && typeof value === "number" && value < minimum) return `at least ${minimum}`;
  if (maximum !== undefined && typeof value === "number" && value > maximum) return `at most ${maximum}`;
  if (oneOf !== undefined && !oneOf.some((allowed) => allowed === value))
    return `one of ${clipKey(JSON.stringify(oneOf))}`;
  return undefined;
}

function isOfType(value: JsonValue, type: CheckedType): boolean {
  switch (type) {
    case "integer":
      return Number.isInteger(value);
    case "object":
      return isJsonObject(value);
    case "array":
      return Array.isArray(value);
    case "null":
      return value === null;
    case "number":
    case "string":
    case "boolean":
      return typeof value === type;
    default:
      return unreachable(type);
  }
}

function show(value: JsonValue | undefined): string {
  return typeof value === "object" && value !== null ? kindOf(value) : clipKey(JSON.stringify(value) ?? "nothing");
}
