import { numberText } from "./number.ts";
import type { Chart } from "./row.ts";

const width = 760;
const labelWidth = 210;
const valueWidth = 110;
const barHeight = 22;
const gap = 10;
const headHeight = 34;

// One picture for light and dark pages: the page's own scheme decides.
const style = `
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 14px }
  .ours { fill: #0b6bcb }
  .peer { fill: #8c959f }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .ours { fill: #58a6ff } .peer { fill: #6e7681 } }
`;

/** Draws a chart as SVG: horizontal bars from zero, or over powers of ten where the longest would hide the others. */
export function chartSvg({ title, unit, bars }: Chart): string {
  const values = bars.map(({ value }) => value).filter((value) => value > 0);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const isLogarithmic = most / least > 30;
  const room = width - labelWidth - valueWidth;
  const decade = Math.floor(Math.log10(least));
  const lengthOf = (value: number): number => {
    if (value <= 0) return 0;
    const share = isLogarithmic ? (Math.log10(value) - decade) / (Math.log10(most) - decade) : value / most;
    return Math.max(1, Math.round(share * room));
  };
  const height = headHeight + bars.length * (barHeight + gap);
  const lines = bars.map(({ label, value, ours }, index) => {
    const top = headHeight + index * (barHeight + gap);
    const middle = top + barHeight / 2 + 5;
    const length = lengthOf(value);
    return [
      `  <text x="${labelWidth - 8}" y="${middle}" text-anchor="end">${escaped(label)}</text>`,
      `  <rect class="${ours ? "ours" : "peer"}" x="${labelWidth}" y="${top}" width="${length}" height="${barHeight}" rx="3"/>`,
      `  <text x="${labelWidth + length + 8}" y="${middle}">${escaped(`${numberText(value)} ${unit}`)}</text>`,
    ].join("\n");
  });
  const heading = `${title} (${unit}${isLogarithmic ? ", logarithmic" : ""})`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `  <title>${escaped(heading)}</title>`,
    `  <style>${style}  </style>`,
    `  <text class="title" x="8" y="20">${escaped(heading)}</text>`,
    ...lines,
    "</svg>",
    "",
  ].join("\n");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
