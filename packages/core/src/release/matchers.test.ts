import { expect, test } from "vitest";
import { matchesAll, parseMatcher } from "./matchers.ts";

test("a matcher is read with and without quotes, and its escapes are undone", () => {
  expect(parseMatcher('service=~"checkout|cart"')).toEqual({
    label: "service",
    operator: "=~",
    value: "checkout|cart",
  });
  expect(parseMatcher("severity = page")).toEqual({ label: "severity", operator: "=", value: "page" });
  expect(parseMatcher(String.raw`note!="a \"b\" \\ c"`)).toEqual({
    label: "note",
    operator: "!=",
    value: 'a "b" \\ c',
  });
});

test("what is no matcher is none, a broken regular expression included", () => {
  for (const text of ["", "service", "1a=b", 'a="b', "a=~(", 'a="b" c', "a b=c"])
    expect(parseMatcher(text)).toBeUndefined();
});

test("a regular expression matches the whole value, as in Alertmanager", () => {
  expect(matchesAll(['service=~"check|cart"'], { service: "checkout" })).toBe(false);
  expect(matchesAll(['service=~"check.*|cart"'], { service: "checkout" })).toBe(true);
  expect(matchesAll(['service!~"check.*"'], { service: "checkout" })).toBe(false);
});

test("a label that is not there is empty, and nothing is inherited", () => {
  expect(matchesAll(['team=""'], {})).toBe(true);
  expect(matchesAll(['team!=""'], {})).toBe(false);
  expect(matchesAll(['constructor=""'], {})).toBe(true);
});

test("all matchers have to match", () => {
  expect(matchesAll(["a=1", "b=2"], { a: "1", b: "2" })).toBe(true);
  expect(matchesAll(["a=1", "b=2"], { a: "1", b: "3" })).toBe(false);
});
