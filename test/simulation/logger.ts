import { type Logger, pino } from "pino";
import { type Trace, Violation } from "./trace.ts";

/** What a program may say of itself when the world treats it badly; anything else at this level is a fault of its own. */
const expectedErrors = [
  "the store did not take an append",
  "the log could not be read on",
  "alerts could not be recorded",
  "a plan could not take its step",
  "the guard could not act",
  "a presented mark could not be recorded",
  "the full state could not be taken",
];

/** The same where the store is to blame, and nothing else. */
const expectedOfStore = [
  "a checkpoint could not be written; it is tried again, and patches are kept meanwhile",
  "the log could not be pruned; it is tried again",
  "blobs could not be swept; it is tried again",
  "patches could not be compacted; it is tried again",
  "the store does not take what is written to it",
];

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly err?: { readonly message: string; readonly code?: string };
}

function isExpected({ msg, err }: Line): boolean {
  if (expectedErrors.includes(msg)) return true;
  return (
    [...expectedOfStore, ...expectedOfDisk].includes(msg) &&
    (err?.code === "STORE_UNAVAILABLE" || err?.code === "DISK_FULL")
  );
}

/** The same where a follower's disk is to blame. */
const expectedOfDisk = ["what this host has taken back could not be kept; it is tried again"];

/** A program's log in the trace of the world. `onSaid` is told every message. */
export function createNodeLogger(
  host: string,
  trace: Trace,
  fatal: (error: unknown) => void,
  onSaid: (message: string) => void = () => {},
): Logger {
  return pino(
    { level: "warn", base: null, timestamp: false },
    {
      write(line) {
        const said = JSON.parse(line) as Line;
        const { level, msg, err } = said;
        onSaid(msg);
        trace.note(`${host} says: ${msg}${err === undefined ? "" : ` (${err.message})`}`);
        if (level >= 50 && !isExpected(said)) fatal(new Violation("the log of a program", `${host}: ${line}`));
      },
    },
  );
}
