import { expect, test } from "vitest";
import { parseMatcher } from "./matchers.ts";

test("a matcher is read with and without quotes, and its escapes are undone", () => {
  expect(parseMatcher('service=~"checkout|cart"')).toEqual({
    label: "service",
    operator: "=~",
    value: "checkout|cart",
  });
  expect(parseMatcher("severity = page")).toEqual({ label: "severity", operator: "=", value: "page" });
  expect(parseMatcher(String.raw`note!="a \"b\" \\ c\nd"`)).toEqual({
    label: "note",
    operator: "!=",
    value: 'a "b" \\ c\nd',
  });
});

test.each([
  ["without quotes, spaces within included", " region = eu west ", "region", "eu west"],
  ["with nothing at all, which is a label that is not there", "team=", "team", ""],
  ["with a comparison sign in the value", 'a="=~b"', "a", "=~b"],
  ["with a colon in the label, as a recording rule has", 'job:errors="x"', "job:errors", "x"],
  ["with a backslash that goes before nothing special", String.raw`path="\d+\."`, "path", String.raw`\d+\.`],
  ["with a backslash at the end", "path=c:\\", "path", "c:\\"],
  ["with a quote that a backslash goes before, without quotes around", String.raw`a=b\"c`, "a", 'b"c'],
  ["with a label in quotes, as OpenTelemetry names them", '"service.name"="cart"', "service.name", "cart"],
  ["over lines", 'note="a\nb"', "note", "a\nb"],
])("Alertmanager reads a value %s, and so does this", (_what, text, label, value) => {
  expect(parseMatcher(text)).toEqual({ label, operator: "=", value });
});

test("what is no matcher is none", () => {
  for (const text of ["", "service", "1a=b", 'a="b', 'a=b"', 'a=b"c', 'a="b" c', "a b=c", 'a="b\\"', '""="x"', "=b"])
    expect([text, parseMatcher(text)]).toEqual([text, undefined]);
});

test("a matcher that is too long is none, however many spaces it has", () => {
  expect(parseMatcher(`a=${" ".repeat(5_000_000)}b`)).toBeUndefined();
});

test("a regular expression is not looked at here: whether it can be used is the origin's to say", () => {
  expect(parseMatcher("a=~(")).toEqual({ label: "a", operator: "=~", value: "(" });
});
