import { createHash } from "node:crypto";

/** How many of the last lines a failure shows. */
const shownMax = 60;

/** Everything that happened in a world, in order. */
export interface Trace {
  note(line: string): void;
  /** What is only worth a line to who looks at one seed closely. */
  detail(line: string): void;
  /** The last lines. */
  last(): readonly string[];
  /** Hash of every line so far: two worlds with the same hash went the same way. */
  hash(): string;
}

/** Makes an empty trace. `print` is given every line, for a person who looks at one seed. */
export function createTrace(now: () => number, print?: (line: string) => void): Trace {
  const hash = createHash("sha256");
  const last: string[] = [];
  const take = (text: string): string => {
    const line = `${now().toFixed(3).padStart(11)} ${text}`;
    hash.update(`${line}\n`);
    print?.(line);
    return line;
  };
  return {
    note(text) {
      last.push(take(text));
      if (last.length > 2 * shownMax) last.splice(0, shownMax);
    },
    detail: (text) => void take(text),
    last: () => last.slice(-shownMax),
    hash: () => hash.copy().digest("hex"),
  };
}

/** Something that must always hold did not. */
export class Violation extends Error {
  override readonly name = "Violation";
  /** What was violated: `invariant 1`, `liveness`, … */
  readonly rule: string;

  constructor(rule: string, message: string, options?: ErrorOptions) {
    super(`${rule}: ${message}`, options);
    this.rule = rule;
  }
}

/** Throws where a rule does not hold. */
export function hold(rule: string, condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new Violation(rule, message());
}
