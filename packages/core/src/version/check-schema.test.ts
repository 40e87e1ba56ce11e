import { expect, test } from "vitest";
import { checkSchema, checksSchema } from "./check-schema.ts";
import { priceChecks, stockChecks } from "./checks.ts";

test("the templates are checks", () => {
  expect(checksSchema.parse(priceChecks)).toEqual(priceChecks);
  expect(checksSchema.parse(stockChecks)).toEqual(stockChecks);
});

test("what is no check is refused", () => {
  const refused = [
    { kind: "keysRemoved", shareMax: 5, action: "refuse" },
    { kind: "keysRemoved", shareMax: 0.05, action: "stop" },
    { kind: "keysRemoved", action: "warn" },
    { kind: "keysRemoved", shareMax: 0.05, action: "warn", field: "/price" },
    { kind: "numericChange", field: "/price", action: "warn" },
    { kind: "numericChange", field: "price", decreaseMax: 0.5, action: "warn" },
    { kind: "numericChange", field: "/price", decreaseMax: -1, action: "warn" },
    { kind: "forbiddenValue", field: "/price", action: "warn" },
    { kind: "forbiddenValue", field: "/price", required: false, action: "warn" },
    { kind: "forbiddenValue", field: "/price", oneOf: [], action: "warn" },
    { kind: "forbiddenValue", field: "/price", type: "money", action: "warn" },
    { kind: "unknown", action: "warn" },
    null,
  ];
  expect(refused.filter((check) => checkSchema.safeParse(check).success)).toEqual([]);
});
