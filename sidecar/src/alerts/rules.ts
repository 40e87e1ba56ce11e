import type { AlertRule, Matcher } from "@sluice/core";
import { assert, parseMatcher, unreachable } from "@sluice/core";
import { RE2JS } from "re2js";

/**
 * How large the regular expressions of a plan are together, in instructions of RE2's program: about one a character, and
 * `x{1000}` is a thousand. Matching takes at most as many steps as a program has instructions, times the characters of a label.
 */
export const programSizeMax = 500;

/** How many characters of a label a regular expression reads; it does not match a longer one, be it with `=~` or with `!~`. */
export const comparedLengthMax = 1_000;

/** A rule of a plan, ready to be compared with the labels of alerts. */
export interface CompiledRule {
  /** The matchers as the plan has them, with commas between them. */
  readonly text: string;
  readonly action: AlertRule["action"];
  /** Why the rule cannot be used; it never matches then. */
  readonly problem: RuleProblem | null;
  /** The first matcher that does not match, or null where all of them do. A label that is not there is empty. */
  miss(labels: Readonly<Record<string, string>>): CompiledMatcher | null;
  /** How many steps `miss` takes at most. */
  stepsMax(labels: Readonly<Record<string, string>>): number;
}

/** A matcher, ready to be compared with a label. */
export interface CompiledMatcher {
  readonly text: string;
  readonly label: string;
  /** Of the regular expression; 0 where there is none. */
  readonly programSize: number;
  test(value: string): boolean;
  /** Whether it does not match because it does not read so much. */
  isTooLong(value: string): boolean;
}

/** What is wrong with one matcher of a rule. */
export interface RuleProblem {
  /** Place of the matcher in its rule. */
  readonly index: number;
  readonly reason: string;
}

/**
 * Makes rules ready. Regular expressions are RE2's, as in Alertmanager: they match the whole value, and in time that grows with
 * its length and with nothing worse. A rule with an expression that RE2 does not take (one that looks ahead, or refers back) is
 * given back with its problem, since a log may have rules from before they were held to this.
 */
export function compileRules(rules: readonly AlertRule[]): readonly CompiledRule[] {
  let programLeft = programSizeMax;
  return rules.map(({ matchers, action }) => {
    const compiled: CompiledMatcher[] = [];
    let problem: RuleProblem | null = null;
    for (const [index, text] of matchers.entries()) {
      const made = compileMatcher(text, programLeft);
      if (typeof made === "string") {
        problem = { index, reason: made };
        break;
      }
      programLeft -= made.programSize;
      compiled.push(made);
    }
    return {
      text: matchers.join(", "),
      action,
      problem,
      miss: (labels) => compiled.find((each) => !each.test(labelOf(labels, each.label))) ?? null,
      stepsMax: (labels) => compiled.reduce((sum, each) => sum + stepsMaxOf(each, labelOf(labels, each.label)), 0),
    };
  });
}

/** The rules of a plan; without any it is concerned by the label `sluice_dataset` that names its dataset. */
export function createRules(): (dataset: string, rules: readonly AlertRule[]) => readonly CompiledRule[] {
  // A plan is one value for as long as its release runs.
  const compiled = new WeakMap<readonly AlertRule[], readonly CompiledRule[]>();
  return (dataset, rules) => {
    if (rules.length === 0) return compileRules([{ matchers: [`sluice_dataset="${dataset}"`], action: "revert" }]);
    const known = compiled.get(rules) ?? compileRules(rules);
    compiled.set(rules, known);
    return known;
  };
}

/** The value of a label; one that is not there is empty, as in Prometheus. */
export function labelOf(labels: Readonly<Record<string, string>>, name: string): string {
  return Object.hasOwn(labels, name) ? (labels[name] ?? "") : "";
}

function isTooLong(value: string): boolean {
  return value.length > comparedLengthMax;
}

function stepsMaxOf(matcher: CompiledMatcher, value: string): number {
  return matcher.isTooLong(value) ? 1 : 1 + matcher.programSize * value.length;
}

function compileMatcher(text: string, programLeft: number): CompiledMatcher | string {
  const matcher = parseMatcher(text);
  if (matcher === undefined) return `${text} is no matcher such as service=~"checkout|cart"`;
  const { label, operator, value } = matcher;
  if (!isRegular(matcher)) {
    const test = (its: string): boolean => (its === value) === (operator === "=");
    return { text, label, programSize: 0, test, isTooLong: () => false };
  }
  const expression = compileExpression(value, programLeft);
  if (typeof expression === "string") return `${text}: ${expression}`;
  const programSize = expression.programSize();
  if (programSize > programLeft) return `${text}: ${tooLarge(programSize, programLeft)}`;
  // A value of which nothing is known matches neither way: a rule that reverts by mistake costs a release.
  const test = (its: string): boolean => !isTooLong(its) && expression.test(its) === (operator === "=~");
  return { text, label, programSize, test, isTooLong };
}

/** As Alertmanager does it, which anchors an expression and leaves everything else to RE2. */
function compileExpression(expression: string, programLeft: number): RE2JS | string {
  const leastSize = leastSizeOf(expression);
  if (leastSize > programSizeMax) return tooLarge(leastSize, programLeft);
  try {
    return RE2JS.compile(`^(?:${expression})$`);
  } catch (error) {
    assert(error instanceof Error, "RE2 refuses with an error");
    const reason = error.message.replace(/^error parsing regexp: /, "");
    return `RE2, whose expressions Prometheus and Alertmanager have too, does not take it: ${reason}`;
  }
}

function tooLarge(size: number, programLeft: number): string {
  const total = programSizeMax - programLeft + size;
  return `the regular expressions of a plan have at most ${programSizeMax} characters together, those repeated counted as often as they are; up to this one they have about ${total.toLocaleString("en-US")}`;
}

const tokenPattern = /\\[pPx]\{[^}]*\}|\\.|\[\^?\]?(?:\[:\w+:\]|\\.|[^\]])*\]|\{(\d+)(?:,(\d*))?\}|./gsu;

/** How many instructions an expression has at least. Seconds would go into compiling what is then found to be too large. */
function leastSizeOf(expression: string): number {
  const sizes = [0];
  let last = 0;
  const add = (size: number): void => void sizes.push((sizes.pop() ?? 0) + size);
  for (const [token, from, to] of expression.matchAll(tokenPattern)) {
    if (token === "(") sizes.push(0);
    else if (from !== undefined) {
      const times = Math.max(Number(from), Number(to ?? 0));
      add(last * Math.max(0, times - 1));
      last *= times;
    } else if (!/^[*+?|]$/.test(token)) {
      last = token === ")" ? (sizes.pop() ?? 0) : 1;
      add(last);
    }
  }
  return sizes.reduce((sum, size) => sum + size, 0);
}

function isRegular({ operator }: Matcher): boolean {
  switch (operator) {
    case "=":
    case "!=":
      return false;
    case "=~":
    case "!~":
      return true;
    default:
      return unreachable(operator);
  }
}
