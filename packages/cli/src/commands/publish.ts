import { type Command, Option } from "commander";
import { argument } from "../arguments.ts";
import type { Context } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { parsePercent } from "../percent.ts";
import { placeHere } from "../place.ts";
import { readPlan, wholePlan } from "../plan-input.ts";
import { createProgress } from "../progress.ts";
import { type PublishAsked, renderPublish, startCommand } from "../render/publish.ts";
import { type Format, openUpload } from "../upload-file.ts";
import { examples } from "./examples.ts";
import { refuseImmediate, startPublished } from "./publish-with-plan.ts";

interface PublishOptions {
  readonly format?: Format;
  readonly release?: boolean;
  readonly percent?: number;
  readonly plan?: string;
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
    .option("--plan <plan>", "with --release: a plan's name (sluice plan list) or a JSON file, for this release alone")
    .option("--supersede", "with --release: end a running release and start this version in its place")
    .option("--accept-quarantined", "with --release: start although changes come back that were reverted")
    .addHelpText(
      "after",
      `${examples(
        "sluice publish prices prices.ndjson",
        "sluice publish prices prices.ndjson --release --percent 5",
        "sluice publish prices prices.ndjson --release --plan canary-10-for-20m",
        "mysql-export | sluice publish prices - --format ndjson --json",
      )}\n\nExits with 6 also where --release was asked for and the version is held because of the quarantine.`,
    )
    .action(async (dataset: string, file: string, options: PublishOptions, command: Command) => {
      const { release, percent, plan, supersede, acceptQuarantined } = options;
      if (release !== true && (percent ?? plan ?? supersede ?? acceptQuarantined) !== undefined) {
        command.error("error: --percent, --plan, --supersede and --accept-quarantined go with --release");
      }
      if (plan !== undefined && supersede === true) {
        command.error(
          "error: --plan does not go with --supersede, which ends a release and starts the next in one step, by the dataset's plan; revert what runs first, then publish with --plan",
        );
      }
      if (plan === "-" && file === "-") command.error("error: standard input is either the items or the plan");
      await publish(context, dataset, file, options);
    });
}

async function publish(context: Context, dataset: string, file: string, options: PublishOptions): Promise<void> {
  const { clock, io, style, timeZone, url, urlArgument } = context;
  const { release = false, percent = null, supersede = false, acceptQuarantined = false } = options;
  const admin = await context.admin();
  const plan = options.plan === undefined ? null : await readPlan(options.plan, io.stdin);
  if (plan !== null) {
    // Before the bytes go out, so that a plan with errors leaves no version that is held.
    await wholePlan(context, plan, options.plan ?? "");
    await refuseImmediate(admin, dataset);
  }
  const asked: PublishAsked = { release, thousandths: percent, plan: options.plan ?? null };
  const upload = await openUpload(file, options.format, io.stdin);
  const progress = createProgress(io.stderr, clock, upload.bytes);
  const byItself = { release, thousandths: percent, supersede, acceptQuarantined };
  try {
    const published = await admin.publish(dataset, upload, {
      ...(plan === null ? byItself : {}),
      onProgress: (step) => progress.update(step),
    });
    progress.end();
    const byHand = `${startCommand(dataset, asked, acceptQuarantined)}${urlArgument(url)}`;
    const answer =
      plan === null
        ? published
        : await startPublished(admin, published, { plan, thousandths: percent, acceptQuarantined, byHand });
    const place = placeHere(context);
    const view = { columns: io.stdout.columns, style, nowMs: clock.wall(), timeZone, place };
    context.print(answer, (shown) => renderPublish(shown, asked, view));
    // Published, but not what was asked for.
    if (release && answer.outcome === "held") context.endWith(exitCodes.refused);
  } finally {
    progress.end();
  }
}
