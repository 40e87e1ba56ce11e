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
  const text = await boundedText(context.req.raw.body, bytesMax);
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

async function boundedText(body: ReadableStream<Uint8Array> | null, bytesMax: number): Promise<string> {
  if (body === null) return "";
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let bytes = 0;
  let text = "";
  try {
    for await (const chunk of body) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) {
        throw new SluiceError("LIMIT_EXCEEDED", `a body has at most ${bytesMax} bytes`, { details: { bytesMax } });
      }
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) throw new SluiceError("INVALID_JSON", "the body is not UTF-8", { cause: error });
    throw error;
  }
}
