// What a terminal obeys instead of showing: control characters (an escape sequence begins with one), marks that turn the
// writing direction, line separators, and halves of surrogate pairs.
const controls = /[\p{Cc}\p{Cs}\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
const jsonControls = /[\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** A string with everything that a terminal would obey written as `\u001b`. */
export function escapeControls(text: string): string {
  return text.replaceAll(controls, escapeOne);
}

/** A value with every string in it escaped, member names included: what came from elsewhere, before it is shown to people. */
export function cleaned<T>(value: T): T {
  return cleanedValue(value) as T;
}

function cleanedValue(value: unknown): unknown {
  if (typeof value === "string") return escapeControls(value);
  if (Array.isArray(value)) return value.map(cleanedValue);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [escapeControls(name), cleanedValue(member)]),
  );
}

/** JSON that a terminal shows and does not obey; to a parser it says the same. */
export function jsonText(value: unknown, indent = 0): string {
  return JSON.stringify(value, undefined, indent).replaceAll(jsonControls, escapeOne);
}

function escapeOne(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const without = /[\p{M}\u200d]/u;

/** How many columns of a terminal a text takes: Chinese characters take two, combining marks none. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += wide.test(character) ? 2 : without.test(character) ? 0 : 1;
  return width;
}

/** A text filled up with spaces to a width. */
export function padTo(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

/** A text cut to a width, with `…` where something is missing. */
export function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let cut = "";
  for (const character of text) {
    if (widthOf(cut + character) > width - 1) break;
    cut += character;
  }
  return `${cut}…`;
}

/** A text broken at spaces into at most `linesMax` lines of a width; a longer word is broken, what is left over is cut. */
export function wrapTo(text: string, width: number, linesMax: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest !== "" && lines.length < linesMax - 1) {
    if (widthOf(rest) <= width) break;
    const head = headOf(rest, width);
    lines.push(head.trimEnd());
    rest = rest.slice(head.length).trimStart();
  }
  if (rest !== "" || lines.length === 0) lines.push(cutTo(rest, width));
  return lines;
}

function headOf(text: string, width: number): string {
  let head = "";
  for (const character of text) {
    if (widthOf(head + character) > width) break;
    head += character;
  }
  const space = text[head.length] === " " ? head.length : head.lastIndexOf(" ");
  return space > 0 ? head.slice(0, space) : head;
}

/** A count for people: `10,003`. */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}

/** A count and its noun: `1 item`, `2 items`. */
export function counted(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A number of bytes for people, in steps of 1000. */
export function bytesText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes / 1_000;
  let unit = 0;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}

/** A fraction as a percentage of three digits. */
export function shareText(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}
