import { styleText } from "node:util";
import type { LogEvent, LogLine } from "./sluice.ts";

/** What happened, for people to read: one line an event. */
export interface Timeline {
  /** Says something at a time in milliseconds since the Unix epoch, now where none is given. */
  say(kind: LineKind, text: string, at?: number): void;
  /** Says what a line of the log means, where that is of interest. */
  log(line: LogLine): void;
  /** A line without a time. */
  plain(text: string): void;
}

/** What a line is about. */
export type LineKind = "good" | "bad" | "news" | "quiet";

const looks = {
  good: { sign: "✔", style: "green" },
  bad: { sign: "✘", style: "red" },
  news: { sign: "●", style: "cyan" },
  quiet: { sign: "·", style: "gray" },
} as const;

const paragraphWidth = 100;

/** Starts a timeline that counts from `startedAt`. */
export function createTimeline(startedAt: number, write: (text: string) => void): Timeline {
  function say(kind: LineKind, text: string, at = Date.now()): void {
    const { sign, style } = looks[kind];
    const seconds = ((at - startedAt) / 1_000).toFixed(2).padStart(7);
    write(`${styleText("gray", `${seconds} s`)}  ${styleText(style, `${sign} ${text}`)}\n`);
  }

  return {
    say,
    log({ event, at, by }) {
      const said = describe(event, by);
      if (said !== null) say(said.kind, said.text, at);
    },
    plain: (text) => write(`${text}\n`),
  };
}

/** One line of the log in words; null where it is not worth one. */
export function describe(
  event: LogEvent,
  by: LogLine["by"],
): { readonly kind: LineKind; readonly text: string } | null {
  const { dataset = "", number, difference } = event;
  const who = by.kind === "person" ? by.name : `the ${by.kind}`;
  switch (event.type) {
    case "version-published": {
      const items = event.content?.items ?? 0;
      if (event.live === true) return { kind: "news", text: `${dataset} v${number} is live: ${count(items)} items` };
      const changed = (difference?.changed ?? 0) + (difference?.added ?? 0) + (difference?.removed ?? 0);
      const again = event.quarantinedChanges ?? null;
      const held = again === null ? "" : `; ${count(again.count)} of them were in reverted v${again.publish}: held`;
      return {
        kind: "news",
        text: `${dataset} v${number} came in: ${count(changed)} of ${count(items)} changed${held}`,
      };
    }
    case "publish-refused": {
      const which = number === null || number === undefined ? "what was offered" : `v${number}`;
      return { kind: "good", text: `${dataset}: ${which} is refused: ${event.message}` };
    }
    case "release-started":
      return { kind: "news", text: `${dataset}: the release starts at ${percent(event.thousandths)}` };
    case "percentage-set":
      return { kind: "news", text: `the candidate goes to ${percent(event.thousandths)} (${event.reason ?? who})` };
    case "release-held":
      return { kind: "quiet", text: `held by ${who}: ${event.cause?.reason}` };
    case "release-resumed":
      return { kind: "quiet", text: `the plan goes on: ${event.reason}` };
    case "release-promoted":
      return { kind: "good", text: `everybody sees it; the version before stays warm` };
    case "release-completed":
      return { kind: "good", text: `the bake is over, the release is complete` };
    case "release-reverted":
      return { kind: "bad", text: `taken back by ${who}: ${event.cause?.reason}` };
    case "alert-received": {
      const what = event.action === "none" ? "which concerns no release" : `which wants to ${event.action}`;
      return {
        kind: event.status === "firing" ? "bad" : "quiet",
        text: `alert ${event.name} is ${event.status}, ${what}`,
      };
    }
    case "release-superseded":
    case "quarantine-lifted":
      return { kind: "news", text: `${event.type.replace("-", " ")} by ${who}: ${event.reason}` };
    default:
      return null;
  }
}

/** A text on lines of at most 100 characters, each but the first indented. */
export function paragraph(text: string, indent: string): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + word.length < paragraphWidth) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.join(`\n${indent}`);
}

/** `10,000`. */
export function count(number: number): string {
  return number.toLocaleString("en-US");
}

function percent(thousandths = 0): string {
  return `${thousandths / 1_000} %`;
}
