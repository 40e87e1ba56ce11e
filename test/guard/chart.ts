import type { Row, Section } from "./experiment.ts";
import { valueText } from "./report.ts";

/** Points of several rules, a line for each row. */
export interface Chart {
  /** Of its file. */
  readonly name: string;
  readonly title: string;
  readonly unit: Row["pointsUnit"];
  /** Drawn as a dashed line; null for none. */
  readonly limit: number | null;
  readonly lines: readonly { readonly label: string; readonly points: readonly Point[] }[];
}

export interface Point {
  readonly rule: string;
  /** Infinity stands at the right edge: it never came. */
  readonly value: number;
}

const letterWidth = 6.3;
// Zero has a place of its own: powers of ten never get there.
const zeroWidth = 36;
const plotWidth = 380;
const rightWidth = 90;
const lineHeight = 24;
const headHeight = 62;
const footHeight = 30;

// One picture for light and dark pages: the page's own scheme decides.
const style = `
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 14px }
  .axis { stroke: #d0d7de }
  .limit { stroke: #cf222e; stroke-dasharray: 4 3 }
  .c0 { fill: #0b6bcb } .c1 { fill: #bc4c00 } .c2 { fill: #8250df } .c3 { fill: #6e7781 } .c4 { fill: #1a7f37 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .axis { stroke: #373e47 }
    .c0 { fill: #58a6ff } .c1 { fill: #f0883e } .c2 { fill: #d2a8ff } .c3 { fill: #9198a1 } .c4 { fill: #3fb950 }
  }
`;

/** The charts of a section: one for the shares and one for the costs of its rows, where there is something to set side by side. */
export function chartsOf(section: Section, rows: readonly Row[]): Chart[] {
  return (["share", "requests"] as const).flatMap((unit) => {
    const alike = rows.filter((row) => row.pointsUnit === unit && Object.keys(row.points).length > 1);
    if (alike.length < 2) return [];
    const lines = alike.map(({ name, points }) => ({
      label: name,
      points: Object.entries(points).map(([rule, value]) => ({ rule, value })),
    }));
    const name = `${section.name}-${unit}`;
    return [{ name, title: section.title, unit, limit: unit === "share" ? 0.01 : null, lines }];
  });
}

/** Draws a chart as SVG, over powers of ten. What never happened stands left of them, what never came right. */
export function chartSvg({ title, unit, limit, lines }: Chart): string {
  const values = lines.flatMap(({ points }) => points.map(({ value }) => value)).filter((value) => value > 0);
  // A decade below the limit, so that what keeps it stands beside it.
  const finite = [...values.filter(Number.isFinite), ...(limit === null ? [] : [limit / 10])];
  const low = Math.floor(Math.log10(Math.min(...finite)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...finite))));
  const labelWidth = Math.ceil(24 + letterWidth * Math.max(...lines.map(({ label }) => label.length)));
  const zeros = lines.some(({ points }) => points.some(({ value }) => value === 0));
  const plotX = labelWidth + (zeros ? zeroWidth : 0);
  const xOf = (value: number): number => {
    if (value <= 0) return labelWidth;
    if (!Number.isFinite(value)) return plotX + plotWidth + 30;
    return plotX + ((Math.log10(value) - low) / (high - low)) * plotWidth;
  };
  const rules = [...new Set(lines.flatMap(({ points }) => points.map(({ rule }) => rule)))];
  const [width, bottom] = [plotX + plotWidth + rightWidth, headHeight + lines.length * lineHeight];
  const decades = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
  const ticks = zeros ? [0, ...decades] : decades;
  const heading = `${title} (${unit === "share" ? "share of runs reverted" : "candidate requests, median"}, logarithmic)`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + footHeight}" width="${width}" height="${bottom + footHeight}" role="img">`,
    `  <title>${escaped(heading)}</title>`,
    `  <style>${style}  </style>`,
    `  <text class="title" x="8" y="20">${escaped(heading)}</text>`,
    ...rules.map((rule, index) => {
      const x = labelWidth + index * 95;
      return `  ${markOf(index, x, 40)}<text x="${x + 10}" y="44">${escaped(rule)}</text>`;
    }),
    ...ticks.map((value) => {
      const x = round(xOf(value));
      const grid = `<line class="axis" x1="${x}" y1="${headHeight - 6}" x2="${x}" y2="${bottom}"/>`;
      return `  ${grid}<text x="${x}" y="${bottom + 18}" text-anchor="middle">${escaped(valueText({ unit }, value))}</text>`;
    }),
    ...(limit === null
      ? []
      : [
          `  <line class="limit" x1="${round(xOf(limit))}" y1="${headHeight - 6}" x2="${round(xOf(limit))}" y2="${bottom}"/>`,
        ]),
    ...lines.map(({ label, points }, index) => {
      const y = headHeight + index * lineHeight + lineHeight / 2;
      const never = points.some(({ value }) => value === Infinity);
      const edge = never ? `<text x="${plotX + plotWidth + 42}" y="${y + 4}">never</text>` : "";
      // The guard's own mark is drawn last, on top.
      const marks = points.map(({ rule, value }) => markOf(rules.indexOf(rule), round(xOf(value)), y)).toReversed();
      return `  <text x="${labelWidth - 12}" y="${y + 4}" text-anchor="end">${escaped(label)}</text>${marks.join("")}${edge}`;
    }),
    "</svg>",
    "",
  ].join("\n");
}

/** A dot, a square, a diamond, a triangle: told apart without colours too. */
function markOf(index: number, x: number, y: number): string {
  const shape = [
    `<circle cx="${x}" cy="${y}" r="5"`,
    `<rect x="${x - 4}" y="${y - 4}" width="8" height="8"`,
    `<path d="M${x} ${y - 5.5}l5.5 5.5l-5.5 5.5l-5.5 -5.5z"`,
    `<path d="M${x} ${y - 5}l5 9h-10z"`,
    `<path d="M${x} ${y + 5}l5 -9h-10z"`,
  ][Math.min(index, 4)];
  return `${shape} class="c${Math.min(index, 4)}"/>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
