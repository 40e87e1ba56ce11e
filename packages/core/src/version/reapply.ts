import { canonicalJson } from "./canonical-json.ts";
import { isJsonObject, type JsonObject, type JsonValue, setMember } from "./json-value.ts";

/**
 * What the change from `before` to `after` makes of another value: members that the change left alone stay as `onto` has them, however
 * deep they lie. Anything but objects is replaced whole, arrays too. Undefined is no item: a change that made one makes it here, one
 * that removed one removes it here, and one to an item that `onto` lacks leaves that so, since a part of an item is none.
 */
export function reapplied(
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  onto: JsonValue | undefined,
): JsonValue | undefined {
  if (before === undefined || after === undefined) return after;
  return onto === undefined ? undefined : changed(before, after, onto);
}

function changed(before: JsonValue, after: JsonValue, onto: JsonValue): JsonValue {
  if (isSame(before, after)) return onto;
  if (!isJsonObject(before) || !isJsonObject(after) || !isJsonObject(onto)) return after;
  const result: Record<string, JsonValue> = {};
  for (const name of new Set([...Object.keys(onto), ...Object.keys(after)])) {
    const member = changedMember(memberOf(before, name), memberOf(after, name), memberOf(onto, name));
    if (member !== undefined) setMember(result, name, member);
  }
  return result;
}

/** A member that `onto` lacks is made where it was changed: unlike a part of an item, a member of one may be alone. */
function changedMember(
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  onto: JsonValue | undefined,
): JsonValue | undefined {
  if (isSame(before, after)) return onto;
  return before === undefined || after === undefined || onto === undefined ? after : changed(before, after, onto);
}

function memberOf(value: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

function isSame(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && canonicalJson(a) === canonicalJson(b);
}
