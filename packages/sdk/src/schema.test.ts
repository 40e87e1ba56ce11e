import type { StandardSchemaV1 } from "@standard-schema/spec";
import { expect, test } from "vitest";
import { z } from "zod";
import { createDecode, InvalidItem, refuseAsync } from "./schema.ts";

const price = z.object({ amount: z.number().positive(), currency: z.string() });

function schemaOf(validate: StandardSchemaV1["~standard"]["validate"]): StandardSchemaV1 {
  return { "~standard": { version: 1, vendor: "test", validate } };
}

test("the schema's output is what is read, frozen", () => {
  const decode = createDecode(
    "prices",
    price.transform(({ amount, currency }) => ({ label: `${amount} ${currency}` })),
  );
  const item = decode('{"amount":3,"currency":"CNY"}');
  expect(item).toEqual({ label: "3 CNY" });
  expect(Object.isFrozen(item)).toBe(true);
});

test("without a schema the item is read as it was published, frozen", () => {
  const item = createDecode("prices", null)('{"tags":["a"]}') as { tags: string[] };
  expect(item).toEqual({ tags: ["a"] });
  expect(() => item.tags.push("b")).toThrow(TypeError);
});

test("an invalid item says what is wrong and where", () => {
  const item = createDecode("prices", price)('{"amount":-1}');
  expect(item).toBeInstanceOf(InvalidItem);
  const { issues } = item as InvalidItem;
  expect(issues).toHaveLength(2);
  expect(issues[0]).toMatch(/^amount: /);
  expect(issues[1]).toMatch(/^currency: /);
});

test("a schema that throws has met an invalid item", () => {
  const decode = createDecode(
    "prices",
    schemaOf(() => {
      throw new TypeError("no length of undefined");
    }),
  );
  expect(decode("{}")).toEqual(new InvalidItem(["no length of undefined"]));
});

test("a schema that is asynchronous at the top is refused before anything is read", () => {
  const later = z.unknown().refine(async () => true);
  expect(() => refuseAsync("prices", later)).toThrow(expect.objectContaining({ code: "SCHEMA_ASYNC" }));
  expect(() => refuseAsync("prices", price)).not.toThrow();
  expect(() => refuseAsync("prices", null)).not.toThrow();
});

test("a schema that is asynchronous for some items only is refused at the first of them", () => {
  const decode = createDecode("prices", z.object({ amount: z.number().refine(async () => true) }));
  expect(() => decode('{"amount":1}')).toThrow(expect.objectContaining({ code: "SCHEMA_ASYNC" }));
});

test("a refused asynchronous schema leaves no rejection behind", async () => {
  const schema = schemaOf(() => Promise.reject(new Error("nobody waits for this")));
  expect(() => createDecode("prices", schema)("{}")).toThrow(expect.objectContaining({ code: "SCHEMA_ASYNC" }));
  // An unhandled rejection would fail the run.
  await new Promise((resolve) => process.nextTick(resolve));
});
