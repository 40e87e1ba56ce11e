import { median } from "../measure/statistics.ts";

/** What a figure has to come to. */
export interface Target {
  readonly text: string;
  /** Null where a figure is only reported. */
  isReached(value: number): boolean | null;
}

/** One figure of a suite. */
export interface Row {
  readonly figure: string;
  /** Median over the rounds, in `unit`; null where it was not taken. */
  readonly ratio: number | null;
  readonly target: string;
  /** Null where a figure is only reported, or was not taken. */
  readonly reached: boolean | null;
  /** `x`: this side divided by the other, or the other way round where the target is "at least". */
  readonly unit: "x" | "ms" | "µs" | "MB";
  /** Least and greatest round. */
  readonly low: number | null;
  readonly high: number | null;
  /** The absolute numbers behind it. */
  readonly detail: string;
  /** Why it was not taken. */
  readonly skipped?: string;
}

/** What a suite came to. */
export interface SuiteResult {
  readonly suite: string;
  readonly rows: readonly Row[];
  readonly charts: readonly Chart[];
  /** How it was measured, a sentence or two each. */
  readonly notes: readonly string[];
}

/** Bars of one unit, for one picture. */
export interface Chart {
  /** Part of the file's name. */
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly Bar[];
}

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Whether it is this product's. */
  readonly ours: boolean;
}

/** A target from above; `text` is how the issue writes it, such as 1/100. */
export function atMost(limit: number, text: string = String(limit)): Target {
  return { text: `≤ ${text}`, isReached: (value) => value <= limit };
}

/** A target from below. */
export function atLeast(limit: number): Target {
  return { text: `≥ ${limit}`, isReached: (value) => value >= limit };
}

/** No target: the figure is of interest. */
export const reported: Target = { text: "report", isReached: () => null };

/** A figure from the ratio, or value, of each round. */
export function measuredRow(given: {
  readonly figure: string;
  readonly target: Target;
  readonly samples: readonly number[];
  readonly detail: string;
  readonly unit?: Row["unit"];
  /** Something besides the number that has to hold. */
  readonly holds?: boolean;
}): Row {
  const { figure, target, samples, detail, unit = "x", holds = true } = given;
  const ratio = median(samples);
  const isReached = target.isReached(ratio);
  return {
    figure,
    ratio,
    target: target.text,
    reached: isReached === null ? null : isReached && holds,
    unit,
    low: Math.min(...samples),
    high: Math.max(...samples),
    detail,
  };
}

/** A figure that could not be taken, and why. */
export function skippedRow(figure: string, target: Target, why: string): Row {
  const empty = { ratio: null, reached: null, low: null, high: null, unit: "x", detail: "" } as const;
  return { figure, target: target.text, ...empty, skipped: why };
}
