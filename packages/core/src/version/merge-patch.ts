import { isJsonObject, type JsonObject, type JsonValue, setMember } from "./json-value.ts";

/**
 * A JSON merge patch (RFC 7396) applied to a value: members of the patch replace members of the target, null removes one,
 * and a patch that is no object replaces the whole. Neither argument is changed; untouched members are shared with the result.
 * `undefined` as target is an item that does not exist yet.
 */
export function applyMergePatch(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isJsonObject(patch)) return patch;
  const old: JsonObject = isJsonObject(target) ? target : {};
  const result: Record<string, JsonValue> = {};
  for (const key of Object.keys(old)) {
    if (!Object.hasOwn(patch, key)) setMember(result, key, old[key] as JsonValue);
  }
  for (const key of Object.keys(patch)) {
    const change = patch[key] as JsonValue;
    if (change === null) continue;
    setMember(result, key, applyMergePatch(Object.hasOwn(old, key) ? old[key] : undefined, change));
  }
  return result;
}
