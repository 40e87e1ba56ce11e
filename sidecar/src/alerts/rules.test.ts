import type { AlertRule } from "@sluice/core";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { expect, test } from "vitest";
import { comparedLengthMax, compileRules, createRules, programSizeMax } from "./rules.ts";

const ruleOf = (...matchers: string[]): AlertRule => ({ matchers, action: "revert" });

function matches(matcher: string, labels: Readonly<Record<string, string>>): boolean {
  const [rule] = compileRules([ruleOf(matcher)]);
  expect(rule?.problem).toBeNull();
  return rule?.miss(labels) === null;
}

test("a regular expression matches the whole value, as in Alertmanager", () => {
  expect(matches('service=~"check|cart"', { service: "checkout" })).toBe(false);
  expect(matches('service=~"check.*|cart"', { service: "checkout" })).toBe(true);
  expect(matches('service!~"check.*"', { service: "checkout" })).toBe(false);
  expect(matches('service!~"check"', { service: "checkout" })).toBe(true);
});

test("a dot is no new line, and the end is the end, as in Alertmanager", () => {
  expect(matches('note=~"a.b"', { note: "a\nb" })).toBe(false);
  expect(matches('note=~"(?s)a.b"', { note: "a\nb" })).toBe(true);
  expect(matches('note=~"a"', { note: "a\n" })).toBe(false);
});

test("a label that is not there is empty, and nothing is inherited", () => {
  expect(matches('team=""', {})).toBe(true);
  expect(matches('team!=""', {})).toBe(false);
  expect(matches('constructor=""', {})).toBe(true);
  expect(matches('constructor=~".+"', {})).toBe(false);
});

test("all matchers of a rule have to match, and the first that does not is named", () => {
  const [rule] = compileRules([ruleOf("a=1", "b=2", "c=3")]);
  expect(rule?.miss({ a: "1", b: "2", c: "3" })).toBeNull();
  expect(rule?.miss({ a: "1" })?.text).toBe("b=2");
});

test("an expression that would take V8 for ever is compared in time that grows with the value", () => {
  // 2 to the power of 999 ways for an engine that goes back; this test ends or it does not.
  expect(matches('path=~"(a+)+$"', { path: `${"a".repeat(999)}!` })).toBe(false);
  expect(matches('path=~"(a|a)*(a|a)*(a|a)*b"', { path: "a".repeat(1_000) })).toBe(false);
});

test.each([
  ["looks ahead", "(?=x)x", "(?=`"],
  ["looks behind", "(?<=a)b", "named capture"],
  ["refers back", String.raw`(a)\1`, "escape sequence"],
  ["is broken", "(", "missing closing )"],
  ["repeats from more to less", "a{5,2}", "repeat count"],
])(
  "a rule whose expression %s is told with its place, and matches nothing, not even with !~",
  (_what, expression, reason) => {
    for (const operator of ["=~", "!~"]) {
      const [bad, good] = compileRules([ruleOf("a=1", `b${operator}${expression}`), ruleOf("a=1")]);
      expect(bad?.problem?.index).toBe(1);
      expect(bad?.problem?.reason).toContain(reason);
      expect(good?.problem).toBeNull();
    }
  },
);

test("a plan's expressions together have a size, and what is over it is refused before seconds go into it", () => {
  const each = "x".repeat(90);
  const rules = compileRules(Array.from({ length: 8 }, () => ruleOf(`a=~"${each}"`)));
  expect(rules.map(({ problem }) => problem === null)).toEqual([true, true, true, true, true, false, false, false]);
  expect(rules.at(-1)?.problem?.reason).toContain(`at most ${programSizeMax} characters`);
  expect(rules.at(-1)?.problem?.reason).toMatch(/up to this one they have about 5[4-9]\d$/);
  for (const large of [`(${"x".repeat(500)}){1000}`, `(([a-z]\\d\\pL(${"y".repeat(100)})){10}){100}`]) {
    expect(compileRules([ruleOf(`a=~"${large}"`)])[0]?.problem?.reason).toContain("at most");
  }
});

test("a label that is longer than an expression reads matches neither way, and takes no steps", () => {
  const long = { a: "x".repeat(comparedLengthMax + 1) };
  for (const operator of ["=~", "!~"]) {
    const [rule] = compileRules([ruleOf(`a${operator}"y*"`)]);
    expect(rule?.miss(long)?.isTooLong(long.a)).toBe(true);
    expect(rule?.stepsMax(long)).toBe(1);
    expect(rule?.stepsMax({ a: "x".repeat(comparedLengthMax) })).toBeGreaterThan(comparedLengthMax);
  }
  expect(matches('a!="y"', long)).toBe(true);
});

test("no small expression is taken for a large one", () => {
  const atoms = fc.constantFrom(
    "a",
    "[^b{9}]",
    String.raw`\{`,
    String.raw`\pL`,
    "(b|c)",
    "[[:alpha:]]",
    "(?:d)",
    ".",
    "|",
  );
  const pattern = fc.array(fc.tuple(atoms, fc.constantFrom("", "*", "+?", "{3}", "{0,5}", "{2,}")), { maxLength: 12 });
  fc.assert(
    fc.property(pattern, (parts) => {
      const expression = parts.map(([atom, times]) => (atom === "|" ? atom : atom + times)).join("");
      fc.pre(RE2JS.compile(`^(?:${expression})$`).programSize() < programSizeMax / 2);
      expect(compileRules([ruleOf(`a=~"${expression.replaceAll("\\", "\\\\")}"`)])[0]?.problem).toBeNull();
    }),
  );
});

test("a plan without rules is concerned by the label that names its dataset", () => {
  const rules = createRules();
  const [rule] = rules("prices", []);
  expect(rule).toMatchObject({ action: "revert", text: 'sluice_dataset="prices"' });
  expect(rule?.miss({ sluice_dataset: "prices" })).toBeNull();
  expect(rules("stock", [])[0]?.miss({ sluice_dataset: "prices" })?.text).toBe('sluice_dataset="stock"');
});
