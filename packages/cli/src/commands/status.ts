import type { Admin } from "@sluice/admin";
import type { StatusAnswer } from "@sluice/core/api";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { contactText, followStatus, type Sight } from "../follow-status.ts";
import { datasetOf } from "../release-of.ts";
import { createFindPlace, type Place } from "../place.ts";
import { renderStatus } from "../render/status.ts";
import { clockText } from "../render/time.ts";
import { enterScreen } from "../screen.ts";
import { gistOf } from "../status-gist.ts";
import { cleaned, jsonText, wrapTo } from "../text.ts";
import { examples } from "./examples.ts";

/** `sluice status [DATASET] [--watch]` */
export function addStatus(program: Command, context: Context): void {
  program
    .command("status")
    .description("Show what is out, to whom, since when and by whom, how healthy, and how to revert it.")
    .argument("[dataset]", "only this dataset")
    .option(
      "-w, --watch",
      "keep showing it as it changes, until Ctrl-C; in a file or pipe, ages and counts alone every 10 s",
    )
    .addHelpText("after", examples("sluice status", "sluice status prices --watch", "sluice status --json"))
    .action(async (name: string | undefined, options: { watch?: boolean }) => {
      const admin = await context.admin();
      if (options.watch === true) return watch(context, admin, name);
      const status = only(await admin.status(), name);
      const place = await createFindPlace(context, admin)(status.following);
      context.print(status, (answer) => linesOf(context, answer, place));
    });
}

async function watch(context: Context, admin: Admin, name: string | undefined): Promise<void> {
  const controller = new AbortController();
  const off = context.onInterrupt(() => controller.abort());
  const findPlace = createFindPlace(context, admin);
  const sink = context.json ? jsonSink(context) : context.io.stdout.isTTY ? screenSink(context) : plainSink(context);
  try {
    for await (const sight of followStatus(context, admin, controller.signal)) {
      if (sight.kind === "status") sink.show(only(sight.status, name), await findPlace(sight.status.following));
      else sink.contact(sight);
    }
  } finally {
    sink.close();
    off();
  }
}

/** Where a watched status goes. */
interface Sink {
  show(status: StatusAnswer, place: Place): void;
  contact(sight: Exclude<Sight, { kind: "status" }>): void;
  close(): void;
}

function jsonSink({ io }: Context): Sink {
  return {
    show: (status) => io.stdout.write(`${jsonText(status)}\n`),
    contact() {},
    close() {},
  };
}

/** Where only ages and counts have moved, a file gets them this often, in milliseconds. */
const restlessMs = 10_000;

function plainSink(context: Context): Sink {
  const { clock, io } = context;
  let shown: { readonly gist: string; readonly atMs: number } | undefined;
  return {
    show(status, place) {
      const [gist, atMs] = [gistOf(status), clock.now()];
      if (shown?.gist === gist && atMs - shown.atMs < restlessMs) return;
      shown = { gist, atMs };
      io.stdout.write(`${linesOf(context, cleaned(status), place).join("\n")}\n\n`);
    },
    contact(sight) {
      shown = undefined;
      io.stderr.write(`${contactText(sight)}\n`);
    },
    close() {},
  };
}

const lostLinesMax = 3;

function screenSink(context: Context): Sink {
  const { clock, io, style, timeZone, url } = context;
  const screen = enterScreen(io.stdout);
  let shown: { status: StatusAnswer; place: Place; seenMs: number } | undefined;
  let reason: string | undefined;
  let timer = { cancel(): void {} };
  const draw = (): void => {
    timer.cancel();
    // Ages go on while nothing else happens.
    timer = clock.setTimer(1_000, draw);
    if (shown === undefined) return;
    const nowMs = shown.status.at + clock.now() - shown.seenMs;
    // Above all: whoever reads on must know that it is old, however much of the rest fits.
    const lost =
      reason === undefined
        ? []
        : wrapTo(
            `connection lost at ${clockText(shown.status.at, { nowMs })}, trying again: ${cleaned(reason)}`,
            io.stdout.columns,
            lostLinesMax,
          ).map((line) => style.red(line));
    const view = { columns: io.stdout.columns, style, nowMs, timeZone, place: shown.place };
    // The screen keeps its last row free.
    screen.draw([...lost, ...renderStatus(shown.status, view, url, io.stdout.rows - 1 - lost.length)]);
  };
  return {
    show(status, place) {
      shown = { status: cleaned(status), place, seenMs: clock.now() };
      reason = undefined;
      draw();
    },
    contact(sight) {
      reason = sight.kind === "found" ? undefined : (sight.error?.message ?? "the instance ended the stream");
      draw();
    },
    close() {
      timer.cancel();
      screen.leave();
    },
  };
}

function linesOf({ io, style, timeZone, url }: Context, status: StatusAnswer, place: Place): string[] {
  return renderStatus(status, { columns: io.stdout.columns, style, nowMs: status.at, timeZone, place }, url);
}

function only(status: StatusAnswer, name: string | undefined): StatusAnswer {
  return name === undefined ? status : { ...status, datasets: [datasetOf(status, name)] };
}
