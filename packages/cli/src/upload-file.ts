import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { extname } from "node:path";
import type { Upload } from "@sluice/admin";
import { SluiceError } from "@sluice/core";

/** How a version is written: items a line, or one object. */
export type Format = Upload["format"];

/** A file or standard input, opened for a publish. */
export interface OpenedUpload extends Upload {
  /** Null where it is not known beforehand: standard input, a pipe. */
  readonly bytes: number | null;
}

const sniffBytesMax = 65_536;
const chunkBytes = 262_144;
const newline = 0x0a;
const formats: Readonly<Record<string, Format>> = { ".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "json" };

/**
 * Opens a file, or standard input for `-`. The format is the one given, else the file name's, else that of the first line:
 * a whole `{"key": …, "value": …}` is NDJSON, anything else a JSON object. Throws VALIDATION where it cannot be read.
 */
export async function openUpload(
  path: string,
  format: Format | undefined,
  stdin: AsyncIterable<Uint8Array>,
): Promise<OpenedUpload> {
  const bytes = path === "-" ? null : await sizeOf(path);
  const source = path === "-" ? stdin : createReadStream(path, { highWaterMark: chunkBytes });
  const known = format ?? (path === "-" ? undefined : formats[extname(path).toLowerCase()]);
  if (known !== undefined) return { stream: source, bytes, format: known };
  const { first, rest } = await peek(source);
  if (first[0] === 0x1f && first[1] === 0x8b) {
    throw new SluiceError(
      "VALIDATION",
      `${path} is compressed; unpack it: gunzip -c ${path} | sluice publish DATASET - --format ndjson`,
    );
  }
  return { stream: joined(first, rest), bytes, format: formatOf(first) };
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    const stats = await stat(path);
    if (!stats.isDirectory()) return stats.isFile() ? stats.size : null;
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new SluiceError("VALIDATION", `cannot read ${path} (${reason}); - reads standard input`, { cause: error });
  }
  throw new SluiceError("VALIDATION", `${path} is a directory; expected a file, or - for standard input`);
}

/** Reads until the first line is there, and gives back what was read together with what was not. */
async function peek(source: AsyncIterable<Uint8Array>): Promise<{ first: Buffer; rest: AsyncIterator<Uint8Array> }> {
  const rest = source[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  while (bytes < sniffBytesMax) {
    const next = await rest.next();
    if (next.done === true) break;
    chunks.push(next.value);
    bytes += next.value.byteLength;
    if (next.value.includes(newline)) break;
  }
  return { first: Buffer.concat(chunks), rest };
}

async function* joined(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (first.byteLength > 0) yield first;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

function formatOf(first: Buffer): Format {
  const end = first.indexOf(newline);
  const line = first.toString("utf8", 0, end === -1 ? first.byteLength : end).replace(/^\ufeff/, "");
  try {
    const value: unknown = JSON.parse(line);
    const isItem = typeof value === "object" && value !== null && "key" in value && "value" in value;
    return isItem && typeof value.key === "string" ? "ndjson" : "json";
  } catch {
    // A first line that is no JSON by itself: an object over many lines, or an item too long to look at whole.
    return /^\s*\{\s*"key"\s*:\s*"/.test(line) && line.length >= sniffBytesMax ? "ndjson" : "json";
  }
}
