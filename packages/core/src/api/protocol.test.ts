import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { z } from "zod";
import { canonicalJson } from "../version/canonical-json.ts";
import type { JsonValue } from "../version/json-value.ts";
import * as api from "./index.ts";

/** Version of the wire and the hash of its schemas at that version. */
const pinned = { version: 3, schemas: "3bbdb395cc7b5712" };

function shapeOf(schema: z.ZodType): JsonValue {
  const shape = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return JSON.parse(JSON.stringify(shape)) as JsonValue;
}

test("a change of what crosses the wire steps the protocol version", () => {
  const schemas = Object.entries(api).flatMap(([name, value]): [string, JsonValue][] =>
    value instanceof z.ZodType ? [[name, shapeOf(value)]] : [],
  );
  expect(schemas.length).toBeGreaterThan(20);
  const hash = createHash("sha256")
    .update(canonicalJson(Object.fromEntries(schemas)))
    .digest("hex")
    .slice(0, 16);
  expect(
    { version: api.protocolVersion, schemas: hash },
    "a schema of the wire changed: can a follower of the version before still read it? If not, step protocolVersion; then pin the new hash here",
  ).toEqual(pinned);
});
