import { SluiceError } from "@sluice/core";
import type { Context } from "hono";
import type { z } from "zod";
import { parseInput } from "../problems.ts";

/**
 * Reads a JSON body of at most `bytesMax` bytes and holds it to its schema. An empty body counts as `{}`.
 * Throws UNSUPPORTED_MEDIA_TYPE, LIMIT_EXCEEDED, INVALID_JSON or VALIDATION.
 */
export async function jsonBody<T>(context: Context, schema: z.ZodType<T>, bytesMax: number): Promise<T> {
  const text = await boundedText(context.req.raw.body, bytesMax);
  if (text === "") return parseInput(schema, {}, "the body");
  const type = context.req.header("content-type") ?? "";
  if (!/^application\/(?:[a-z.+-]*\+)?json\s*(?:;|$)/i.test(type)) {
    throw new SluiceError("UNSUPPORTED_MEDIA_TYPE", `expected a body of application/json, came ${type || "no type"}`);
  }
  return parseInput(schema, parseJson(text), "the body");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
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
