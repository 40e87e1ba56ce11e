import type { Output } from "./context.ts";

/** The terminal's other screen: what was there before comes back when it is left. */
export interface Screen {
  /** Draws lines over the last ones without flicker, as many as there is room for. */
  draw(lines: readonly string[]): void;
  leave(): void;
}

/** Enters the other screen, hides the cursor and lets the terminal cut long lines instead of wrapping them. */
export function enterScreen(output: Output): Screen {
  output.write("\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[H\u001b[2J");
  let left = false;
  return {
    draw(lines) {
      const room = Math.max(1, output.rows - 1);
      const hidden = lines.length - room;
      const shown =
        hidden > 0 ? [...lines.slice(0, room - 1), `… ${hidden + 1} more lines: enlarge the window`] : lines;
      // Erased before it is written: behind a line as wide as the screen the cursor stands on its last character.
      output.write(`\u001b[H${shown.map((line) => `\u001b[K${line}\n`).join("")}\u001b[J`);
    },
    leave() {
      if (!left) output.write("\u001b[?7h\u001b[?25h\u001b[?1049l");
      left = true;
    },
  };
}
