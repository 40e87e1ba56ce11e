import { Hono } from "hono";
import { expect, test } from "vitest";
import { z } from "zod";
import { problemOf } from "../problems.ts";
import { jsonBody } from "./body.ts";

const bytesMax = 20;

/** What becomes of a body: what was read, or the code of the refusal. */
async function read(body: string | Uint8Array<ArrayBuffer>, length?: number): Promise<unknown> {
  const app = new Hono();
  app.post("/", async (context) => context.json(await jsonBody(context, z.object({ a: z.string() }), bytesMax)));
  app.onError((error, context) => context.json(problemOf(error).code));
  const headers = {
    "content-type": "application/json",
    ...(length === undefined ? {} : { "content-length": `${length}` }),
  };
  const response = await app.request("/", { method: "POST", headers, body });
  return response.json();
}

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const notUtf8 = new Uint8Array([0x7b, 0xff, 0x7d]);

test("a body is read the same with and without its length", async () => {
  expect(await read(bytes('{"a":"三"}'))).toEqual({ a: "三" });
  expect(await read(bytes('{"a":"三"}'), 11)).toEqual({ a: "三" });
});

test("a body over the limit is refused, announced or not, and whatever was announced", async () => {
  const long = bytes(`{"a":"${"x".repeat(20)}"}`);
  expect(await read(long)).toBe("LIMIT_EXCEEDED");
  expect(await read(long, long.byteLength)).toBe("LIMIT_EXCEEDED");
  expect(await read(long, 5)).toBe("LIMIT_EXCEEDED");
  expect(await read("{}", 21)).toBe("LIMIT_EXCEEDED");
});

test("a body that is not UTF-8 is refused", async () => {
  expect(await read(notUtf8)).toBe("INVALID_JSON");
  expect(await read(notUtf8, 3)).toBe("INVALID_JSON");
});
