import type { Style } from "../context.ts";
import { addressed } from "../place.ts";
import { padTo, widthOf, wrapTo } from "../text.ts";
import type { TimeView } from "./time.ts";

/** How something is shown: to what width, in which colours, against which time. */
export interface View extends TimeView {
  readonly columns: number;
  readonly style: Style;
}

/** A labelled line. */
export interface Row {
  readonly label: string;
  readonly text: string;
  /** `command`: never cut, so that it can be copied. `alarm`: what nobody may overlook, with or without colours. */
  readonly kind?: "plain" | "good" | "bad" | "command" | "alarm";
}

const labelWidth = 9;
const linesMax = 3;
/** Of what is wrong, so that what to do about it, which comes last, is there to be read. */
const badLinesMax = 6;

/** The narrowest terminal that lines are made for. */
export const columnsMin = 40;

/** Rows with their labels in one column and long texts wrapped under themselves. */
export function layOut(rows: readonly Row[], { columns, style, place }: View): string[] {
  const width = Math.max(columnsMin, columns) - labelWidth - 2;
  const alarm = (text: string): string => style.bold(style.inverse(style.red(text)));
  const paint = { plain: (text: string) => text, good: style.green, bad: style.red, command: style.cyan, alarm };
  return rows.flatMap(({ label, text, kind = "plain" }) => {
    const lines =
      kind === "command"
        ? [addressed(text, place)]
        : wrapTo(text, width, kind === "bad" || kind === "alarm" ? badLinesMax : linesMax);
    return lines.map((line, index) => {
      const head = padTo(index === 0 ? label : "", labelWidth);
      return `  ${style.dim(head)}${paint[kind](line)}`;
    });
  });
}

/** A line with something at its right end, as far as there is room. */
export function leftRight(left: string, right: string, columns: number): { left: string; gap: string; right: string } {
  const room = Math.max(2, Math.max(columnsMin, columns) - widthOf(left) - widthOf(right));
  return { left, gap: " ".repeat(room), right };
}
