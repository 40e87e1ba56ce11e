import { type Command, Option } from "commander";
import { argument } from "../arguments.ts";
import type { Context } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { parsePercent } from "../percent.ts";
import { createProgress } from "../progress.ts";
import { renderPublish } from "../render/publish.ts";
import { type Format, openUpload } from "../upload-file.ts";
import { examples } from "./examples.ts";

interface PublishOptions {
  readonly format?: Format;
  readonly release?: boolean;
  readonly percent?: number;
  readonly supersede?: boolean;
  readonly acceptQuarantined?: boolean;
}

/** `sluice publish DATASET FILE` */
export function addPublish(program: Command, context: Context): void {
  program
    .command("publish")
    .description(
      "Publish a file as a new version. The first goes live; a later one is held, or released with --release.",
    )
    .argument("<dataset>", "the dataset")
    .argument("<file>", 'lines {"key": …, "value": …}, or one JSON object of key to value; - reads standard input')
    .addOption(
      new Option(
        "--format <format>",
        "ndjson: an item a line; json: one object (default: told by name or first line)",
      ).choices(["ndjson", "json"]),
    )
    .option("--release", "start its release at once")
    .option(
      "--percent <percent>",
      "the first percentage, with --release (default: the plan's first step)",
      argument(parsePercent),
    )
    .option("--supersede", "with --release: end a running release and start this version in its place")
    .option("--accept-quarantined", "with --release: start although changes come back that were reverted")
    .addHelpText(
      "after",
      `${examples(
        "sluice publish prices prices.ndjson",
        "sluice publish prices prices.ndjson --release --percent 5",
        "mysql-export | sluice publish prices - --format ndjson --json",
      )}\n\nExits with 6 also where --release was asked for and the version is held because of the quarantine.`,
    )
    .action(async (dataset: string, file: string, options: PublishOptions, command: Command) => {
      if (
        options.release !== true &&
        (options.percent ?? options.supersede ?? options.acceptQuarantined) !== undefined
      ) {
        command.error("error: --percent, --supersede and --accept-quarantined go with --release");
      }
      await publish(context, dataset, file, options);
    });
}

async function publish(context: Context, dataset: string, file: string, options: PublishOptions): Promise<void> {
  const { clock, io, style, timeZone } = context;
  const { release = false, percent = null, supersede = false, acceptQuarantined = false } = options;
  const upload = await openUpload(file, options.format, io.stdin);
  const admin = await context.admin();
  const progress = createProgress(io.stderr, clock, upload.bytes);
  try {
    const answer = await admin.publish(dataset, upload, {
      release,
      thousandths: percent,
      supersede,
      acceptQuarantined,
      onProgress: (step) => progress.update(step),
    });
    progress.end();
    const view = { columns: io.stdout.columns, style, nowMs: clock.wall(), timeZone };
    context.print(answer, (shown) => renderPublish(shown, { release, thousandths: percent }, view));
    // Published, but not what was asked for.
    if (release && answer.outcome === "held") context.endWith(exitCodes.refused);
  } finally {
    progress.end();
  }
}
