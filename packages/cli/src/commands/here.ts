import type { Admin } from "@sluice/admin";
import type { SluiceError } from "@sluice/core";
import type { CommandAnswer } from "@sluice/core/api";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { advise } from "../error-text.ts";
import { awaitReceipt } from "../receipt.ts";
import { receiptText, receiptWarnings } from "../render/receipt.ts";
import { examples } from "./examples.ts";
import { waitOption } from "./wait-option.ts";

interface HereOptions {
  readonly reason?: string;
  readonly wait: number;
}

/** `sluice revert DATASET --here`: on the host of the instance that the command goes to, with the origin dead too. */
export async function revertHere(context: Context, dataset: string, options: HereOptions): Promise<void> {
  await give(context, dataset, options, "revertHere", `sluice lift ${dataset} --here`);
}

/** `sluice lift DATASET --here [--reason TEXT] [--wait 5s]` */
export function addLift(program: Command, context: Context): void {
  program
    .command("lift")
    .description("End a revert on one host alone: it sees what runs or bakes again, as everybody does.")
    .argument("<dataset>", "the dataset")
    .requiredOption("--here", "on the host of the instance that the command goes to")
    .option("-r, --reason <text>", "why, for the log of that instance")
    .addOption(waitOption())
    .addHelpText("after", examples("sluice lift prices --here --url http://127.0.0.1:7171"))
    .action((dataset: string, options: HereOptions) =>
      give(context, dataset, options, "liftHere", `sluice status ${dataset}`),
    );
}

async function give(
  context: Context,
  dataset: string,
  { reason, wait }: HereOptions,
  verb: "revertHere" | "liftHere",
  next: string,
): Promise<void> {
  const admin: Admin = await context.admin();
  const answer = await admin[verb](dataset, reason === undefined ? {} : { reason }).catch((error: unknown) => {
    throw advise(error, hintsOf(context, dataset));
  });
  const receipt = answer.receipt === null ? null : await awaitReceipt(context, admin, answer.receipt, wait);
  context.print({ ...answer, receipt }, (shown) => [
    ...linesOf(context, shown),
    context.style.dim(`  ${next}${context.urlArgument(context.url)}`),
  ]);
}

/** An older version comes back everywhere or nowhere, so that `--to` is no advice here. */
function hintsOf({ url, urlArgument }: Context, dataset: string): (error: SluiceError) => string | undefined {
  return ({ code, details }) => {
    if (code !== "NOTHING_TO_REVERT") return undefined;
    return Array.isArray(details["hosts"])
      ? `there: sluice lift ${dataset} --here --url URL`
      : `how it stands there: sluice status ${dataset}${urlArgument(url)}`;
  };
}

function linesOf({ style }: Context, { message, receipt }: CommandAnswer): string[] {
  if (receipt === null) return [message];
  return [message, receiptText(receipt), ...receiptWarnings(receipt).map((text) => style.yellow(text))];
}
