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

/** A program's log in the trace of the world. */
export function createNodeLogger(host: string, trace: Trace, fatal: (error: unknown) => void): Logger {
  return pino(
    { level: "warn", base: null, timestamp: false },
    {
      write(line) {
        const { level, msg, err } = JSON.parse(line) as { level: number; msg: string; err?: { message: string } };
        trace.note(`${host} says: ${msg}${err === undefined ? "" : ` (${err.message})`}`);
        if (level >= 50 && !expectedErrors.includes(msg))
          fatal(new Violation("the log of a program", `${host}: ${line}`));
      },
    },
  );
}
