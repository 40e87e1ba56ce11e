import { countText, percentText, type Row, type Section } from "./experiment.ts";

/** Titles and cells of a table of rows of one section. */
interface Table {
  readonly titles: readonly string[];
  readonly lines: readonly (readonly string[])[];
}

/** How a run was made, for whoever reads its figures. */
export interface Circumstances {
  readonly seed: number;
  /** Day, YYYY-MM-DD. */
  readonly day: string;
}

/** "41 of 41 rows hold". */
export function summaryText(rows: readonly Row[]): string {
  const bound = rows.filter(({ holds }) => holds !== null);
  return `${bound.filter(({ holds }) => holds).length} of ${bound.length} rows hold`;
}

/** A section's rows as lines of text. */
export function sectionLines({ name, title }: Section, rows: readonly Row[]): string[] {
  const tables = tablesOf(rows).flatMap((table) => [...tableLines(table).map((line) => `  ${line}`), ""]);
  return [`${name}: ${title}`, ...tables];
}

/** A section of the document, without the marks around it. */
export function sectionMarkdown(
  { title, about }: Section,
  rows: readonly Row[],
  pictures: readonly { readonly file: string; readonly title: string }[],
  { seed, day }: Circumstances,
): string {
  const runs = rows.map((row) => row.runs);
  const [least, most] = [Math.min(...runs), Math.max(...runs)];
  const runsText = least === most ? countText(least) : `${countText(least)} to ${countText(most)}`;
  return [
    `### ${title}`,
    "",
    about,
    "",
    ...tablesOf(rows).flatMap((table) => [...tableLines(table), ""]),
    ...pictures.flatMap(({ file, title: alt }) => [`![${alt}](${file})`, ""]),
    `${summaryText(rows)}; ${runsText} runs a row, seed ${seed}, ${day}.`,
  ].join("\n");
}

/** One table for each set of columns that rows have. */
function tablesOf(rows: readonly Row[]): Table[] {
  const kinds = Map.groupBy(rows, ({ columns }) => Object.keys(columns).join(" | "));
  return [...kinds.values()].map(tableOf);
}

function tableOf(rows: readonly Row[]): Table {
  const columns = Object.keys(rows[0]?.columns ?? {});
  return {
    titles: ["", ...columns, "bound", "holds"],
    lines: rows.map((row) => [
      row.name,
      ...columns.map((column) => row.columns[column] ?? "–"),
      row.bound === "" ? "–" : row.bound,
      holdsText(row),
    ]),
  };
}

function holdsText({ holds }: Row): string {
  if (holds === null) return "–";
  return holds ? "yes" : "**no**";
}

/** Lines of a Markdown table, padded so that they read well on a terminal too. */
function tableLines({ titles, lines }: Table): string[] {
  const widths = titles.map((title, column) =>
    Math.max(3, title.length, ...lines.map((line) => line[column]?.length ?? 0)),
  );
  const lineOf = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [lineOf(titles), `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...lines.map(lineOf)];
}

/** A value in the unit of its row. */
export function valueText({ unit }: Pick<Row, "unit">, value: number): string {
  if (unit === "share") return percentText(value);
  if (unit === "times") return value.toFixed(1);
  return countText(value);
}

/** The rows as `--json` prints them: numbers that never came are null. */
export function jsonOf(rows: readonly Row[], seed: number): object {
  return {
    seed,
    holds: rows.every(({ holds }) => holds !== false),
    summary: summaryText(rows),
    rows: rows.map(({ value, low, high, points, columns, ...row }) => ({
      ...row,
      value: finite(value),
      low: finite(low),
      high: finite(high),
      points: Object.fromEntries(Object.entries(points).map(([rule, point]) => [rule, finite(point)])),
      columns,
    })),
  };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
