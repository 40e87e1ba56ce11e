import { SluiceError } from "../error.ts";
import { type JsonValue, kindOf } from "./json-value.ts";
import { formatPointer } from "./pointer.ts";

/** How deep arrays and objects may stand in each other; a bare scalar has depth 0. */
export const jsonDepthMax = 64;

/**
 * The canonical JSON text of a value (RFC 8785): members sorted by UTF-16 code units, no white space, shortest numbers.
 * Throws INVALID_JSON, with the path in `details.path`, on what has no canonical form: a number that is not finite,
 * a lone surrogate, nesting deeper than 64, and anything that is not JSON.
 */
export function canonicalJson(value: JsonValue): string {
  return write(value, 0, []);
}

function write(value: JsonValue, depth: number, path: (string | number)[]): string {
  if (value === null) return "null";
  if (typeof value === "string") return writeString(value, path);
  if (typeof value === "boolean") return value ? "true" : "false";
  if (typeof value === "number") {
    // JSON.stringify writes NaN and the infinities as null. -0 comes out as 0, as the RFC wants it.
    return Number.isFinite(value) ? String(value) : refuse("a finite number", String(value), path);
  }
  // The type says that only objects are left; a caller's cast may have said otherwise.
  if (typeof value !== "object") return refuse("a JSON value", kindOf(value), path);
  if (depth >= jsonDepthMax) return refuse(`at most ${jsonDepthMax} levels of nesting`, "one more", path);
  return Array.isArray(value)
    ? writeArray(value as readonly JsonValue[], depth + 1, path)
    : writeObject(value as Readonly<Record<string, JsonValue>>, depth + 1, path);
}

/** Anything but the characters that stand for themselves in a JSON string; surrogates are looked at one by one. */
const special = /[^ !#-[\]-\ud7ff\ue000-\uffff]/;

function writeString(text: string, path: readonly (string | number)[]): string {
  // JSON.stringify costs several times this test, and a version is made of short plain strings.
  if (!special.test(text)) return `"${text}"`;
  return text.isWellFormed() ? JSON.stringify(text) : refuse("well-formed Unicode", "a lone surrogate", path);
}

function writeArray(values: readonly JsonValue[], depth: number, path: (string | number)[]): string {
  let text = "[";
  for (let index = 0; index < values.length; index++) {
    path.push(index);
    text += (index === 0 ? "" : ",") + write(values[index] as JsonValue, depth, path);
    path.pop();
  }
  return `${text}]`;
}

function writeObject(object: Readonly<Record<string, JsonValue>>, depth: number, path: (string | number)[]): string {
  let text = "{";
  // Without a comparator, sort compares UTF-16 code units, which is the order of the RFC.
  for (const key of Object.keys(object).sort()) {
    path.push(key);
    text += `${text === "{" ? "" : ","}${writeString(key, path)}:${write(object[key] as JsonValue, depth, path)}`;
    path.pop();
  }
  return `${text}}`;
}

function refuse(expected: string, came: string, path: readonly (string | number)[]): never {
  const pointer = formatPointer(path);
  throw new SluiceError(
    "INVALID_JSON",
    `expected ${expected}, came ${came}, at ${pointer === "" ? "the root" : pointer}`,
    {
      details: { path: pointer },
    },
  );
}
