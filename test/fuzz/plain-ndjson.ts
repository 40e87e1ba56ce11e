import { canonicalJson, type JsonValue, keyFault, parseStrictJson, type ReadLimits } from "@sluice/core";

/** What a line is: the item, or the code with which it is refused. */
export type PlainLine = readonly [line: number, key: string, canonical: string] | readonly [line: number, code: string];

/**
 * Reads NDJSON the slow and plain way, line by line with the strict parser: what the reader that takes bytes is held to. Empty
 * lines are left out.
 */
export function readLinesPlainly(input: Uint8Array, limits: ReadLimits): readonly PlainLine[] {
  const seen = new Set<string>();
  return linesOf(input).flatMap((bytes, index): readonly PlainLine[] => {
    const line = index + 1;
    const code = (its: string): readonly PlainLine[] => [[line, its]];
    if (bytes.length > limits.lineBytesMax) return code("LIMIT_EXCEEDED");
    const text = textOf(line === 1 && bytes.subarray(0, 3).toString("hex") === "efbbbf" ? bytes.subarray(3) : bytes);
    if (text === null) return code("INVALID_JSON");
    if (/^[ \t\r]*$/.test(text)) return [];
    let value: JsonValue;
    try {
      value = parseStrictJson(text, { depthMax: limits.depthMax + 1 });
    } catch {
      return code("INVALID_JSON");
    }
    const item = itemOf(value);
    if (item === null) return code("INVALID_ITEM");
    const fault = keyFault(item.key, limits.keyBytesMax);
    if (fault !== undefined) return code(fault.code);
    if (seen.has(item.key)) return code("DUPLICATE_KEY");
    seen.add(item.key);
    const canonical = canonicalJson(item.value);
    return Buffer.byteLength(canonical) > limits.valueBytesMax ? code("LIMIT_EXCEEDED") : [[line, item.key, canonical]];
  });
}

function linesOf(input: Uint8Array): readonly Buffer[] {
  const bytes = Buffer.from(input);
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return [...lines, bytes.subarray(start)];
}

function textOf(bytes: Buffer): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function itemOf(value: JsonValue): { key: string; value: JsonValue } | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const members = Object.keys(value).sort().join(",");
  const { key, value: its } = value as { key: JsonValue; value: JsonValue };
  return members === "key,value" && typeof key === "string" ? { key, value: its } : null;
}
