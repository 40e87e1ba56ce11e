/** One matcher in Alertmanager's syntax: `service=~"checkout|cart"`. */
export interface Matcher {
  readonly label: string;
  readonly operator: "=" | "!=" | "=~" | "!~";
  /** With `=~` and `!~` a regular expression in RE2's syntax, which is looked at only where it is used. */
  readonly value: string;
}

/** How long a matcher is at most, in characters. */
export const matcherLengthMax = 1_000;

// The operators of two characters come first, or `=~"a"` would be `=` and the value `~"a"`.
const matcherPattern = /^\s*(?:([a-zA-Z_:][a-zA-Z0-9_:]*)|"((?:[^"\\]|\\.)+)")\s*(=~|!~|!=|=)\s*(.*?)\s*$/s;
const escapes: Readonly<Record<string, string>> = { n: "\n", '"': '"', "\\": "\\" };

/**
 * Reads a matcher as Alertmanager does (0.25 and later); undefined where it is none. The value may stand in double quotes, in
 * which a backslash goes before a quote, a backslash or `n` for a new line, and stands for itself before anything else. A label
 * that is no classic name, such as `service.name`, stands in double quotes too. At most `matcherLengthMax` characters.
 */
export function parseMatcher(text: string): Matcher | undefined {
  // Before the expression is tried, whose time is quadratic in the spaces of a text.
  if (text.length > matcherLengthMax) return undefined;
  const [, plain, quoted, operator, raw] = matcherPattern.exec(text) ?? [];
  const label = plain ?? (quoted === undefined ? undefined : unescape(quoted));
  if (label === undefined || raw === undefined || !isOperator(operator)) return undefined;
  const value = valueOf(raw);
  return value === undefined ? undefined : { label, operator, value };
}

/** A quote is one at both ends or nowhere, but for those that a backslash goes before. */
function valueOf(raw: string): string | undefined {
  const inner = raw.startsWith('"') ? /^"((?:[^"\\]|\\.)*)"$/s.exec(raw)?.[1] : raw;
  if (inner === undefined || /^(?:[^"\\]|\\.)*"/s.test(inner)) return undefined;
  return unescape(inner);
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/gsu, (whole, character: string) => escapes[character] ?? whole);
}

function isOperator(text: string | undefined): text is Matcher["operator"] {
  return text === "=" || text === "!=" || text === "=~" || text === "!~";
}
