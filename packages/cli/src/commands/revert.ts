import type { ErrorCode } from "@sluice/core";
import type { CommandAnswer } from "@sluice/core/api";
import { type Command, Option } from "commander";
import { argument } from "../arguments.ts";
import type { Context } from "../context.ts";
import { advise, sent, toWhatWasOut } from "../error-text.ts";
import { parseTarget } from "../moment.ts";
import { awaitReceipt } from "../receipt.ts";
import { nameOfRelease } from "../render/event.ts";
import { receiptText, receiptWarnings } from "../render/receipt.ts";
import { examples } from "./examples.ts";
import { revertHere } from "./here.ts";
import { nextLines, restore, type RestoreOptions } from "./restore.ts";
import { waitOption } from "./wait-option.ts";

interface RevertOptions extends Omit<Partial<RestoreOptions>, "reason" | "wait"> {
  readonly reason?: string;
  readonly wait: number;
  readonly here?: boolean;
}

/** `sluice revert DATASET [--to VERSION|TIME [--reapply|--exact]] [--here] [--reason TEXT] [--wait 5s]` */
export function addRevert(program: Command, context: Context): void {
  program
    .command("revert")
    .description(
      "Take back what runs or bakes: everybody is on the stable version again, at once. With --to, take back what is finished.",
    )
    .argument("<dataset>", "the dataset")
    .option("-r, --reason <text>", "why, for the log and for those who look later")
    .addOption(
      new Option(
        "--to <version|time>",
        "bring back what was stable: a version (41), a time (2026-11-11T00:07:00Z) or how long ago (10m)",
      ).argParser(argument(parseTarget)),
    )
    .addOption(new Option("--reapply", "with --to: keep what the patches since changed").conflicts(["exact", "here"]))
    .addOption(new Option("--exact", "with --to: drop the patches since, it is what it was").conflicts("here"))
    .option("--here", "only on the host of the instance that the command goes to; works with the origin dead")
    .addOption(waitOption())
    .addHelpText(
      "after",
      examples(
        "sluice revert prices",
        'sluice revert prices --reason "currency is missing"',
        "sluice revert prices --to 41",
        "sluice revert prices --to 10m --reapply",
        "sluice revert prices --json",
        "sluice revert prices --here --url http://127.0.0.1:7171",
      ),
    )
    .action(async (dataset: string, options: RevertOptions, command: Command) => {
      if (options.to !== undefined) {
        if (options.here === true) command.error("error: --to brings a version back everywhere, --here is one host");
        return restore(context, dataset, { ...options, to: options.to });
      }
      if (options.reapply === true || options.exact === true)
        command.error("error: --reapply and --exact go with --to");
      if (options.here === true) return revertHere(context, dataset, options);
      // Nothing is asked before: every round trip would be one in which the wrong prices are served.
      const admin = await context.admin();
      const body = options.reason === undefined ? {} : { reason: options.reason };
      const answer = await admin.revertDataset(dataset, body).catch((error: unknown) => {
        throw advise(error, ({ code }) => hintOf(context, dataset, code));
      });
      const receipt = answer.receipt === null ? null : await awaitReceipt(context, admin, answer.receipt, options.wait);
      context.print({ ...answer, receipt }, (shown) => linesOf(context, dataset, shown));
    });
}

/** With the origin dead a host can still be reverted by itself, and what is finished can be undone. */
function hintOf({ url, urlArgument }: Context, dataset: string, code: ErrorCode): string | undefined {
  if (code === "NOTHING_TO_REVERT") return toWhatWasOut(dataset);
  const command = `on one host alone: sluice revert ${dataset} --here`;
  if (code === "NOT_ORIGIN") return `${command}${urlArgument(url)}`;
  return code === "UNREACHABLE" || code === "TIMEOUT" ? `${command} --url URL   (of the host's sidecar)` : undefined;
}

function linesOf({ style, url, urlArgument }: Context, dataset: string, answer: CommandAnswer): string[] {
  const { outcome, message, release, receipt } = answer;
  const what = release === null ? dataset : `${nameOfRelease(release).version} of ${dataset}`;
  const head =
    outcome === "done" ? `${what} is reverted: everybody is on the stable version` : sent(message, urlArgument(url));
  const look = `  sluice status ${dataset}${urlArgument(url)}`;
  const next = nextLines(answer).map((text) => style.yellow(sent(text, urlArgument(url))));
  if (receipt === null) return [head, ...next, style.dim(look)];
  const warnings = receiptWarnings(receipt).map((text) => style.yellow(text));
  return [head, receiptText(receipt), ...warnings, ...next, style.dim(look)];
}
