import fc from "fast-check";
import { expect, test } from "vitest";
import { formatPointer, parsePointer, valueAt } from "./pointer.ts";

test("a pointer that was written is read as the same path", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom("a", "/", "~", "0", "1") })), (path) => {
      expect(parsePointer(formatPointer(path))).toEqual(path);
    }),
  );
});

test("the examples of RFC 6901 find their values", () => {
  const value = { foo: ["bar", "baz"], "": 0, "a/b": 1, "m~n": 8 };
  const at = (text: string) => valueAt(value, parsePointer(text) ?? ["not a pointer"]);
  expect(at("")).toBe(value);
  expect(at("/foo/1")).toBe("baz");
  expect(at("/")).toBe(0);
  expect(at("/a~1b")).toBe(1);
  expect(at("/m~0n")).toBe(8);
  expect(at("/foo/01")).toBeUndefined();
  expect(at("/foo/-")).toBeUndefined();
  expect(at("/foo/2")).toBeUndefined();
});

test("what every object inherits is not in a value", () => {
  expect(valueAt({ a: 1 }, ["constructor"])).toBeUndefined();
  expect(valueAt([1], ["length"])).toBeUndefined();
  expect(valueAt("text", ["length"])).toBeUndefined();
});

test("what is no pointer is not taken for one", () => {
  for (const text of ["price", "/a~", "/a~2", " /a"]) expect(parsePointer(text)).toBeUndefined();
});
