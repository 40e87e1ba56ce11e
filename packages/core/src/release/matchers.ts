import { unreachable } from "../assert.ts";

/** One matcher in Alertmanager's syntax: `service=~"checkout|cart"`. */
export interface Matcher {
  readonly label: string;
  readonly operator: "=" | "!=" | "=~" | "!~";
  readonly value: string;
}

const matcherPattern = /^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))\s*$/s;
const escapes: Readonly<Record<string, string>> = { n: "\n", '"': '"', "\\": "\\" };

/** Reads a matcher; undefined where it is none, or its regular expression is none. The value may stand in double quotes. */
export function parseMatcher(text: string): Matcher | undefined {
  const found = matcherPattern.exec(text);
  const label = found?.[1];
  const operator = found?.[2];
  if (label === undefined || (operator !== "=" && operator !== "!=" && operator !== "=~" && operator !== "!~"))
    return undefined;
  const value =
    found?.[3]?.replaceAll(/\\(.)/gs, (whole, character: string) => escapes[character] ?? whole) ?? found?.[4] ?? "";
  const matcher: Matcher = { label, operator, value };
  return isRegular(matcher) && compile(value) === undefined ? undefined : matcher;
}

/** Whether all matchers match the labels; a label that is not there is empty, regular expressions match the whole value. */
export function matchesAll(matchers: readonly string[], labels: Readonly<Record<string, string>>): boolean {
  return matchers.every((text) => {
    const matcher = parseMatcher(text);
    return (
      matcher !== undefined &&
      matches(matcher, Object.hasOwn(labels, matcher.label) ? (labels[matcher.label] ?? "") : "")
    );
  });
}

function matches(matcher: Matcher, value: string): boolean {
  switch (matcher.operator) {
    case "=":
      return value === matcher.value;
    case "!=":
      return value !== matcher.value;
    case "=~":
      return compile(matcher.value)?.test(value) === true;
    case "!~":
      return compile(matcher.value)?.test(value) === false;
    default:
      return unreachable(matcher.operator);
  }
}

function isRegular({ operator }: Matcher): boolean {
  return operator === "=~" || operator === "!~";
}

function compile(pattern: string): RegExp | undefined {
  try {
    return new RegExp(`^(?:${pattern})$`, "su");
  } catch {
    return undefined;
  }
}
