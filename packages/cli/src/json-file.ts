import { readFile } from "node:fs/promises";
import { type JsonValue, messageOf, parseStrictJson, SluiceError } from "@sluice/core";
import { limits } from "@sluice/core";

/** Parses JSON from the command line, and says where it came from where it is none. Throws VALIDATION. */
export function parseJsonText(text: string, what: string): JsonValue {
  try {
    return parseStrictJson(text);
  } catch (error) {
    const reason = messageOf(error);
    throw new SluiceError("VALIDATION", `${what} is not usable JSON: ${reason}`, { cause: error });
  }
}

/** Reads a text file, or standard input for `-`, of at most the size that a command's body may have. Throws VALIDATION. */
export async function readTextFile(path: string, stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const bytes = path === "-" ? await readAll(stdin) : await readWhole(path);
  if (bytes.byteLength > limits.bodyBytesMax) {
    throw new SluiceError("VALIDATION", `${path} has more than ${limits.bodyBytesMax} bytes`);
  }
  return bytes.toString("utf8");
}

async function readWhole(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new SluiceError("VALIDATION", `cannot read ${path} (${reason})`, { cause: error });
  }
}

async function readAll(stdin: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > limits.bodyBytesMax) break;
  }
  return Buffer.concat(chunks);
}
