import type { CommandAnswer } from "@sluice/core/api";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { awaitReceipt } from "../receipt.ts";
import { nameOfRelease } from "../render/event.ts";
import { receiptText, receiptWarnings } from "../render/receipt.ts";
import { examples } from "./examples.ts";
import { revertHere } from "./here.ts";
import { waitOption } from "./wait-option.ts";

interface RevertOptions {
  readonly reason?: string;
  readonly wait: number;
  readonly here?: boolean;
}

/** `sluice revert DATASET [--here] [--reason TEXT] [--wait 5s]` */
export function addRevert(program: Command, context: Context): void {
  program
    .command("revert")
    .description("Take back what runs or bakes: everybody is on the stable version again, at once.")
    .argument("<dataset>", "the dataset")
    .option("-r, --reason <text>", "why, for the log and for those who look later")
    .option("--here", "only on the host of the instance that the command goes to; works with the origin dead")
    .addOption(waitOption())
    .addHelpText(
      "after",
      examples(
        "sluice revert prices",
        'sluice revert prices --reason "currency is missing"',
        "sluice revert prices --json",
        "sluice revert prices --here --url http://127.0.0.1:7171",
      ),
    )
    .action(async (dataset: string, options: RevertOptions) => {
      if (options.here === true) return revertHere(context, dataset, options);
      // Nothing is asked before: every round trip would be one in which the wrong prices are served.
      const admin = await context.admin();
      const answer = await admin.revertDataset(dataset, options.reason === undefined ? {} : { reason: options.reason });
      const receipt = answer.receipt === null ? null : await awaitReceipt(context, admin, answer.receipt, options.wait);
      context.print({ ...answer, receipt }, (shown) => linesOf(context, dataset, shown));
    });
}

function linesOf({ style }: Context, dataset: string, answer: CommandAnswer): string[] {
  const { outcome, message, release, receipt } = answer;
  const what = release === null ? dataset : `${nameOfRelease(release).version} of ${dataset}`;
  const head = outcome === "done" ? `${what} is reverted: everybody is on the stable version` : message;
  const look = `  sluice status ${dataset}`;
  if (receipt === null) return [head, style.dim(look)];
  return [head, receiptText(receipt), ...receiptWarnings(receipt).map((text) => style.yellow(text)), style.dim(look)];
}
