import { padTo, widthOf } from "../text.ts";

/** A chart over time for a terminal, drawn in braille dots: two by four a character, and no colour needed. */
export interface Chart {
  readonly points: readonly { readonly at: number; readonly value: number }[];
  /** Levels that matter, each with its label at the left. */
  readonly lines: readonly { readonly value: number; readonly label: string }[];
  /** Moments that matter, each with a text below the axis. */
  readonly marks: readonly { readonly at: number; readonly label: string }[];
  /** Of the whole chart, labels included. */
  readonly columns: number;
  /** Of the drawing itself. */
  readonly rows: number;
}

/** Past the highest line a value is drawn at the upper edge: how far does not matter any more. */
const headroom = 1.15;
// The dots of a braille character by column and row, U+2800 and these bits.
const dotBits = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

/** The chart's lines, the labels below its axis last. Nothing for fewer than two points. */
export function drawChart({ points, lines, marks, columns, rows }: Chart): string[] {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined || last.at <= first.at) return [];
  const labelWidth = Math.max(...lines.map(({ label }) => widthOf(label)));
  const width = Math.max(10, columns - labelWidth - 2);
  const highest = Math.max(...lines.map(({ value }) => value)) * headroom;
  const lowest = Math.max(-highest, Math.min(0, ...points.map(({ value }) => value)));
  const heightOf = (value: number): number =>
    (Math.min(highest, Math.max(lowest, value)) - lowest) / (highest - lowest || 1);
  const columnOf = (at: number, of: number): number =>
    Math.min(of - 1, Math.floor(((at - first.at) / (last.at - first.at)) * of));

  const cells = dotsOf(
    points.map(({ at, value }) => ({
      x: columnOf(at, width * 2),
      y: Math.round((1 - heightOf(value)) * (rows * 4 - 1)),
    })),
    width,
    rows,
  );
  const labels = new Map<number, string>();
  for (const { value, label } of lines) labels.set(Math.round((1 - heightOf(value)) * (rows - 1)), label);
  const body = cells.map((row, index) => {
    const label = labels.get(index);
    const empty = label === undefined ? " " : "┄";
    const drawn = row.map((bits) => (bits === 0 ? empty : String.fromCodePoint(0x2800 + bits))).join("");
    return `${padLeft(label ?? "", labelWidth)} ${label === undefined ? "│" : "┤"}${drawn}`.trimEnd();
  });
  const axis = Array.from({ length: width }, () => "─");
  const texts: { column: number; label: string }[] = [];
  for (const { at, label } of marks) {
    if (at < first.at || at > last.at) continue;
    const column = columnOf(at, width);
    axis[column] = "┬";
    texts.push({ column, label });
  }
  const indent = " ".repeat(labelWidth + 1);
  const below = placed(texts, width);
  return [...body, `${indent}└${axis.join("")}`, ...(below === "" ? [] : [`${indent} ${below}`])];
}

/** Which dots are set in each character: the points, joined by upright strokes where the value moved between two columns. */
function dotsOf(points: readonly { x: number; y: number }[], width: number, rows: number): number[][] {
  const cells = Array.from({ length: rows }, () => Array.from({ length: width }, () => 0));
  const set = (x: number, y: number): void => {
    const row = cells[Math.floor(y / 4)];
    const bit = dotBits[x % 2 === 0 ? 0 : 1][y % 4];
    const column = Math.floor(x / 2);
    if (row !== undefined && bit !== undefined) row[column] = (row[column] ?? 0) | bit;
  };
  let before: { x: number; y: number } | undefined;
  for (const { x, y } of points) {
    const { x: fromX, y: fromY } = before ?? { x, y };
    // Evidence stays what it was until something is counted.
    for (let between = fromX; between < x; between++) set(between, fromY);
    for (let step = Math.min(fromY, y); step <= Math.max(fromY, y); step++) set(x, step);
    before = { x, y };
  }
  return cells;
}

/** Texts at their columns, moved left where they would run over the edge, left out where another one stands. */
function placed(texts: readonly { column: number; label: string }[], width: number): string {
  let line = "";
  for (const { column, label } of texts) {
    const start = Math.min(column, width - widthOf(label));
    if (start >= widthOf(line) + (line === "" ? 0 : 1)) line = `${padTo(line, start)}${label}`;
  }
  return line;
}

function padLeft(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - widthOf(text))) + text;
}
