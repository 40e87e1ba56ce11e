import { isJsonObject, type JsonValue } from "./json-value.ts";

/** The RFC 6901 pointer of a path: `["a/b", 0]` is `/a~1b/0`, the empty path is `""` (the whole value). */
export function formatPointer(path: readonly (string | number)[]): string {
  let text = "";
  for (const token of path) {
    text += `/${typeof token === "number" ? token : token.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  }
  return text;
}

/** The tokens of an RFC 6901 pointer, or undefined where the text is none (it starts with `/`; `~` stands only before 0 or 1). */
export function parsePointer(text: string): readonly string[] | undefined {
  if (text === "") return [];
  if (!text.startsWith("/") || /~(?![01])/.test(text)) return undefined;
  return text
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The value at a path, or undefined where there is none. Array elements are named by their index without leading zeros. */
export function valueAt(value: JsonValue | undefined, tokens: readonly string[]): JsonValue | undefined {
  let current = value;
  for (const token of tokens) {
    if (Array.isArray(current)) {
      current = /^(?:0|[1-9]\d*)$/.test(token) ? (current as readonly JsonValue[])[Number(token)] : undefined;
    } else if (isJsonObject(current) && Object.hasOwn(current, token)) {
      current = current[token];
    } else {
      return undefined;
    }
  }
  return current;
}
