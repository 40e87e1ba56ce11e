import { parseStrictJson, SluiceError } from "@sluice/core";
import type { Context } from "hono";
import type { z } from "zod";
import { parseInput } from "../problems.ts";

/**
 * Reads a JSON body of at most `bytesMax` bytes and holds it to its schema. An empty body counts as `{}`.
 * Repeated members and numbers that do not survive as a double are refused unless `parse` is `JSON.parse`, which is for
 * what machines send beside what we read.
 * Throws UNSUPPORTED_MEDIA_TYPE, LIMIT_EXCEEDED, INVALID_JSON or VALIDATION.
 */
export async function jsonBody<T>(
  context: Context,
  schema: z.ZodType<T>,
  bytesMax: number,
  parse: (text: string) => unknown = parseStrictJson,
): Promise<T> {
  const text = await boundedText(context.req.raw, bytesMax);
  if (text === "") return parseInput(schema, {}, "the body");
  const type = context.req.header("content-type") ?? "";
  if (!/^application\/(?:[a-z.+-]*\+)?json\s*(?:;|$)/i.test(type)) {
    throw new SluiceError("UNSUPPORTED_MEDIA_TYPE", `expected a body of application/json, came ${type || "no type"}`);
  }
  return parseInput(schema, parsed(text, parse), "the body");
}

function parsed(text: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new SluiceError("INVALID_JSON", `the body is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * A body of known length is taken whole: a web stream over a socket costs more than the rest of a small command. HTTP takes no
 * more of it than it has announced.
 */
async function boundedText(request: Request, bytesMax: number): Promise<string> {
  const announced = request.headers.get("content-length");
  if (announced === null) return decoded(await boundedBytes(request.body, bytesMax));
  refuseLonger(Number(announced), bytesMax);
  const bytes = await request.arrayBuffer();
  // In process there is no HTTP to hold the sender to its word.
  refuseLonger(bytes.byteLength, bytesMax);
  return decoded(new Uint8Array(bytes));
}

async function boundedBytes(body: ReadableStream<Uint8Array> | null, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    refuseLonger(bytes, bytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refuseLonger(bytes: number, bytesMax: number): void {
  if (bytes <= bytesMax) return;
  throw new SluiceError("LIMIT_EXCEEDED", `a body has at most ${bytesMax} bytes`, { details: { bytesMax } });
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new SluiceError("INVALID_JSON", "the body is not UTF-8", { cause: error });
  }
}
