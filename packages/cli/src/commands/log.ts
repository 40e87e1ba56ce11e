import type { Admin } from "@sluice/admin";
import type { LoggedEvent } from "@sluice/core";
import type { PatchMinute } from "@sluice/core/api";
import { type Command, Option } from "commander";
import { argument, parseWhole } from "../arguments.ts";
import type { Context } from "../context.ts";
import { contactText, followStatus } from "../follow-status.ts";
import { datasetOf } from "../release-of.ts";
import { eventLine, patchMinuteLine } from "../render/event.ts";
import { cleaned, jsonText } from "../text.ts";
import { examples } from "./examples.ts";

interface LogOptions {
  readonly dataset?: string;
  readonly limit: number;
  readonly follow?: boolean;
  readonly patches?: boolean;
}

/** `sluice log [--dataset NAME] [--limit N] [--follow | --patches]` */
export function addLog(program: Command, context: Context): void {
  program
    .command("log")
    .description("Show what happened, when, by whom and why. Patches are left out, or one line a minute.")
    .option("-d, --dataset <name>", "only what concerns this dataset")
    .option("-n, --limit <count>", "the newest COUNT events", argument(parseWhole(1, 10_000)), 50)
    .option("-f, --follow", "keep showing what happens, until Ctrl-C")
    .addOption(new Option("-p, --patches", "also what patches did, a line for each minute").conflicts("follow"))
    .addHelpText(
      "after",
      examples("sluice log", "sluice log --dataset prices --limit 200", "sluice log --patches", "sluice log --follow"),
    )
    .action(async (options: LogOptions) => {
      const admin = await context.admin();
      if (options.follow === true) return follow(context, admin, options);
      if (options.patches === true) return showAll(context, admin, options);
      const events = await admin.log(queryOf(options));
      if (events.length === 0) await refuseUnknown(admin, options);
      context.print({ events }, (answer) => answer.events.map((event) => eventLine(event, context.timeZone)));
      if (events.length === 0) context.note("nothing happened yet");
    });
}

/** The newest lines of both shelves, in the order of the log. */
async function showAll(context: Context, admin: Admin, options: LogOptions): Promise<void> {
  const query = queryOf(options);
  const [events, minutes] = await Promise.all([admin.log(query), admin.patchMinutes(query)]);
  const lines: (LoggedEvent | PatchMinute)[] = [...events, ...minutes].sort((a, b) => placeOf(a) - placeOf(b));
  const newest = lines.slice(Math.max(0, lines.length - options.limit));
  if (newest.length === 0) await refuseUnknown(admin, options);
  const { timeZone } = context;
  context.print({ lines: newest }, (answer) =>
    answer.lines.map((line) => ("event" in line ? eventLine(line, timeZone) : patchMinuteLine(line, timeZone))),
  );
  if (newest.length === 0) context.note("nothing happened yet");
}

/** Of a name that nobody knows there are no events either, and that is another answer. */
async function refuseUnknown(admin: Admin, { dataset }: LogOptions): Promise<void> {
  if (dataset !== undefined) datasetOf(await admin.status(), dataset);
}

/** Where a line stands: a minute where it began. */
function placeOf(line: LoggedEvent | PatchMinute): number {
  return "event" in line ? line.sequence : line.firstSequence;
}

async function follow(context: Context, admin: Admin, options: LogOptions): Promise<void> {
  const controller = new AbortController();
  const off = context.onInterrupt(() => controller.abort());
  try {
    let after = writeEvents(context, await admin.log(queryOf(options)), 0);
    let seen = 0;
    for await (const sight of followStatus(context, admin, controller.signal)) {
      if (sight.kind !== "status") {
        context.note(contactText(sight));
        continue;
      }
      // A position that moved says that something happened; the log says what.
      if (sight.status.sequence === seen) continue;
      seen = sight.status.sequence;
      after = await writeNew(context, admin, options, after);
    }
  } finally {
    off();
  }
}

async function writeNew(context: Context, admin: Admin, { dataset }: LogOptions, from: number): Promise<number> {
  let after = from;
  for (;;) {
    const events = await admin.log({ after, ...(dataset === undefined ? {} : { dataset }) });
    if (events.length === 0) return after;
    after = writeEvents(context, events, after);
  }
}

function writeEvents({ io, json, timeZone }: Context, events: readonly LoggedEvent[], after: number): number {
  for (const event of events) {
    io.stdout.write(`${json ? jsonText(event) : eventLine(cleaned(event), timeZone)}\n`);
  }
  return events.at(-1)?.sequence ?? after;
}

function queryOf({ dataset, limit }: LogOptions): { dataset?: string; limit: number } {
  return dataset === undefined ? { limit } : { dataset, limit };
}
