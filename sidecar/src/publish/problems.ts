import { type ErrorCode, type ItemProblem, SluiceError } from "@sluice/core";
import type { RepeatedKeys } from "./group.ts";

/** How many problems of an upload are listed; all are counted. */
export const problemsMax = 100;

/** What is wrong with the items of an upload, as plain data. */
export interface ProblemSummary {
  readonly total: number;
  /** How many there are with each code. */
  readonly codes: Readonly<Partial<Record<ErrorCode, number>>>;
  /** Those on the first lines. */
  readonly listed: readonly ItemProblem[];
}

/** An upload with nothing wrong. */
export const noProblems: ProblemSummary = { total: 0, codes: {}, listed: [] };

/** Counts problems, in the order of their lines. */
export interface Problems {
  add(problem: ItemProblem): void;
  summary(): ProblemSummary;
}

/** Starts with none. */
export function createProblems(): Problems {
  const codes: Partial<Record<ErrorCode, number>> = {};
  const listed: ItemProblem[] = [];
  let total = 0;
  return {
    add(problem) {
      total++;
      codes[problem.code] = (codes[problem.code] ?? 0) + 1;
      if (listed.length < problemsMax) listed.push(problem);
    },
    summary: () => ({ total, codes, listed }),
  };
}

/** Adds the keys that came twice. One that is refused for its size too is refused for its key, as whoever reads line by line would say. */
export function withRepeated(problems: ProblemSummary, repeated: RepeatedKeys): ProblemSummary {
  if (repeated.total === 0) return problems;
  const lines = new Set(repeated.listed.map(({ line }) => line));
  const kept = problems.listed.filter(
    ({ line, code, path }) => !(lines.has(line) && code === "LIMIT_EXCEEDED" && path === ""),
  );
  return {
    total: problems.total + repeated.total - repeated.refusedBefore,
    codes: {
      ...problems.codes,
      LIMIT_EXCEEDED: (problems.codes.LIMIT_EXCEEDED ?? 0) - repeated.refusedBefore,
      DUPLICATE_KEY: (problems.codes.DUPLICATE_KEY ?? 0) + repeated.total,
    },
    listed: [...kept, ...repeated.listed].sort((a, b) => a.line - b.line).slice(0, problemsMax),
  };
}

/** The keys that came twice in two groups of an upload. */
export function mergeRepeated(a: RepeatedKeys, b: RepeatedKeys): RepeatedKeys {
  if (b.total === 0) return a;
  return {
    total: a.total + b.total,
    refusedBefore: a.refusedBefore + b.refusedBefore,
    listed: [...a.listed, ...b.listed].sort((left, right) => left.line - right.line).slice(0, problemsMax),
  };
}

/** The refusal of an upload with problems; null where it has none. */
export function problemsError({ total, codes, listed }: ProblemSummary): SluiceError | null {
  const [first] = listed;
  if (first === undefined) return null;
  const kinds = Object.entries(codes).filter(([, count]) => count > 0);
  const code = kinds.length === 1 ? first.code : "INVALID_ITEM";
  const count = total === 1 ? "a problem" : `${total} problems, the first`;
  const problems = listed.map(({ key, path, line, reason }) => ({
    key: key ?? null,
    path: path ?? null,
    line,
    reason,
  }));
  return new SluiceError(code, `the upload has ${count} on ${placeOf(first)}: ${first.reason}; nothing was published`, {
    details: { problems, total },
  });
}

/** Of an object that is one long line, the key is what finds the place. */
function placeOf({ line, key, path }: ItemProblem): string {
  const parts = [
    `line ${line}`,
    ...(key === undefined ? [] : [`key ${key}`]),
    ...(path === undefined || path === "" ? [] : [`at ${path}`]),
  ];
  return parts.join(", ");
}
