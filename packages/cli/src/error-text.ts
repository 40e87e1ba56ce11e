import { type DifferenceExample, type ErrorCode, isSluiceError, messageOf, SluiceError } from "@sluice/core";
import { exampleLines } from "./render/difference.ts";
import { cleaned, countText } from "./text.ts";

/** How many of many problems are shown to a person. */
const shownMax = 10;

/** How wide an item is shown to whoever has to choose. */
const choiceColumns = 100;

/** What to do about an error, where its own message does not say so. */
const hints: Partial<Record<ErrorCode, string>> = {
  CONFLICT: "how it stands now: sluice status",
  RELEASE_ENDED: "how it stands now: sluice status",
  LINES_DIFFER: "--both replaces them in both lines",
  INTERNAL: "the instance's own log says why",
  NOTHING_TO_REVERT: toWhatWasOut("DATASET"),
};

/** How what is finished is undone; VERSION may be a time too. */
export function toWhatWasOut(dataset: string): string {
  return `to go back to what was out before, by version or by time (10m): sluice revert ${dataset} --to VERSION`;
}

/** An error with what to do about it where the command knows better; `--json` has it as `details.hint`. */
export function advise(error: unknown, hintOf: (error: SluiceError) => string | undefined): unknown {
  const hint = isSluiceError(error) ? hintOf(error) : undefined;
  if (!isSluiceError(error) || hint === undefined) return error;
  return new SluiceError(error.code, error.message, { details: { ...error.details, hint }, cause: error });
}

/** An error as it is written with `--json`. */
export function errorJson(error: unknown): { code: string; message: string; details: object } {
  return {
    code: codeOf(error),
    message: messageWithoutCode(error),
    details: isSluiceError(error) ? error.details : {},
  };
}

/**
 * An error for people: one line with its code, then the first things that are wrong and what to do. `here` is ` --url URL` of the
 * instance that was asked, or nothing where commands go there anyway: a command that ends a line goes to whoever said so.
 */
export function errorLines(error: unknown, here = ""): string[] {
  const code = codeOf(error);
  const lines = [`error ${code}: ${sent(cleaned(messageWithoutCode(error)), here)}`];
  if (!isSluiceError(error)) return lines;
  const advice = error.details["hint"];
  const hint = typeof advice === "string" ? cleaned(advice) : hints[error.code];
  return [
    ...lines,
    ...(error.code === "CHOICE_NEEDED"
      ? choiceLines(cleaned(error.details))
      : detailLines(cleaned(error.details), cleaned(error.message))),
    ...(hint === undefined ? [] : [sent(hint, here)]),
  ];
}

/** The command that ends a line, for the instance that was asked: of several that a line offers none is the one. */
export function sent(line: string, here: string): string {
  return /: sluice (?!plan )[^:,;|]+$/.test(line) && !line.includes(" --url ") ? `${line}${here}` : line;
}

function codeOf(error: unknown): string {
  if (isSluiceError(error)) return error.code;
  // Node's own errors have codes too: ENOENT, EADDRINUSE.
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "INTERNAL";
}

function messageWithoutCode(error: unknown): string {
  // Node's messages begin with the code, which stands in front already.
  return messageOf(error).replace(/^E[A-Z]+: /, "");
}

function detailLines(details: Readonly<Record<string, unknown>>, message: string): string[] {
  const findings = listOf(details["findings"]);
  // What checks found comes by check; the same items in one list would say it twice.
  if (findings.length > 0) return findings.flatMap(findingLines);
  const lines: string[] = [];
  for (const name of ["problems", "items"]) {
    const problems = listOf(details[name]);
    // Of one problem the message says all.
    if (problems.length === 1 && message.includes(textOf(problems[0]?.["reason"]))) continue;
    lines.push(...shown(problems.map(problemText), numberOf(details["total"]), "  "));
  }
  for (const name of ["keys", "datasets", "sources"]) {
    const value = details[name];
    const names = Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
    if (names.length > 0) lines.push(`  ${name}: ${shown(names, names.length, "").join(", ")}`);
  }
  return lines;
}

/** The first items that would be other ones: what they are and what they would be. */
function choiceLines(details: Readonly<Record<string, unknown>>): string[] {
  const examples = listOf(details["items"]).filter(isExample);
  const dropped = details["dropped"];
  const keys =
    typeof dropped === "object" && dropped !== null && "keys" in dropped ? numberOf(dropped.keys) : undefined;
  return exampleLines(
    { added: 0, removed: 0, unchanged: 0, changed: keys ?? examples.length, examples },
    choiceColumns,
  );
}

function isExample(
  item: Readonly<Record<string, unknown>>,
): item is Readonly<Record<string, unknown>> & DifferenceExample {
  return typeof item["key"] === "string";
}

function findingLines({ message, examples, count }: Readonly<Record<string, unknown>>): string[] {
  return [`  ${textOf(message)}`, ...shown(listOf(examples).map(problemText), numberOf(count), "    ")];
}

function shown(texts: readonly string[], total: number | undefined, indent: string): string[] {
  const more = Math.max(total ?? 0, texts.length) - Math.min(texts.length, shownMax);
  const lines = texts.slice(0, shownMax).map((text) => `${indent}${text}`);
  return more > 0 && texts.length > 0 ? [...lines, `${indent}… and ${countText(more)} more`] : lines;
}

/** A problem of an upload, a finding's example or a problem of a body: whatever of place and reason it has. */
function problemText(problem: Readonly<Record<string, unknown>>): string {
  const { line, key, path, reason, message } = problem;
  const place = [
    typeof line === "number" ? `line ${line}` : "",
    typeof key === "string" ? key : "",
    typeof path === "string" ? path : "",
  ].filter((text) => text !== "");
  const why = textOf(reason ?? message);
  return place.length === 0 ? why : `${place.join(" ")}: ${why}`;
}

function listOf(value: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "object" && each !== null) : [];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "no reason given";
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
