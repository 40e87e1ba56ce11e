import { numberText } from "./number.ts";
import type { Row, SuiteResult } from "./row.ts";

/** What a section says besides its figures. */
export interface Circumstances {
  readonly machine: string;
  readonly versions: string;
  /** Day on which it was measured, YYYY-MM-DD. */
  readonly day: string;
}

const head = `# Benchmarks

Written by \`npm run bench\`; \`npm run bench -- SUITE\` writes its own section anew. Each side of a comparison is a process of its own, the sides take
turns in one run, and a ratio is the median over the rounds, with the least and the greatest beside it: the machine is shared, so ratios say more
than absolute times. A ratio is this product's figure divided by the other side's, but for "at least" targets, which are the other way round.
`;

/** A document with a suite's section put in place of the one it has, or behind the others in the order of `order`. */
export function withSection(document: string | null, section: string, suite: string, order: readonly string[]): string {
  const sections = new Map(order.map((name) => [name, sectionIn(document ?? "", name)]));
  sections.set(suite, section);
  const present = [...sections.values()].filter((each) => each !== undefined);
  return `${[head.trimEnd(), ...present].join("\n\n")}\n`;
}

/** A suite's section, between the marks that it is found by. */
export function sectionOf(result: SuiteResult, { machine, versions, day }: Circumstances): string {
  const pictures = result.charts.map(({ name, title }) => `![${title}](benchmarks/${result.suite}-${name}.svg)`);
  return [
    beginOf(result.suite),
    "",
    `## ${result.suite}`,
    "",
    ...tableLines(result.rows),
    "",
    ...pictures.flatMap((picture) => [picture, ""]),
    ...result.notes.flatMap((note) => [note, ""]),
    `Measured on ${day}: ${machine}. ${versions}.`,
    "",
    endOf(result.suite),
  ].join("\n");
}

/** The figures as lines of a Markdown table, which reads well on a terminal too. */
export function tableLines(rows: readonly Row[]): string[] {
  const cells = rows.map((row) => [
    row.figure,
    row.ratio === null ? "–" : `${numberText(row.ratio)}${unitText(row)}`,
    row.low === null || row.high === null ? "–" : `${numberText(row.low)} to ${numberText(row.high)}`,
    row.target,
    reachedText(row),
    row.skipped === undefined ? row.detail : "",
  ]);
  const titles = ["figure", "ratio", "spread", "to reach", "reached", "absolute"];
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  const lineOf = (line: readonly string[]): string =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [lineOf(titles), `| ${widths.map((count) => "-".repeat(count)).join(" | ")} |`, ...cells.map(lineOf)];
}

function unitText({ unit }: Row): string {
  return unit === "x" ? "" : ` ${unit}`;
}

function reachedText({ reached, skipped }: Row): string {
  if (skipped !== undefined) return `skipped: ${skipped}`;
  if (reached === null) return "–";
  return reached ? "yes" : "**no**";
}

function sectionIn(document: string, suite: string): string | undefined {
  const [begin, end] = [document.indexOf(beginOf(suite)), document.indexOf(endOf(suite))];
  return begin === -1 || end === -1 ? undefined : document.slice(begin, end + endOf(suite).length);
}

function beginOf(suite: string): string {
  return `<!-- begin ${suite} -->`;
}

function endOf(suite: string): string {
  return `<!-- end ${suite} -->`;
}
