import type { ReadAnswer } from "@sluice/core/api";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { cleaned, jsonText } from "../text.ts";
import { examples } from "./examples.ts";

/** `sluice read DATASET KEY [--as USER]` */
export function addRead(program: Command, context: Context): void {
  program
    .command("read")
    .description("Read one item, as everybody or as one user sees it.")
    .argument("<dataset>", "the dataset")
    .argument("<key>", "the item's key")
    .option("--as <user>", "the targeting key of a user: shows the version that this user is served")
    .addHelpText(
      "after",
      examples("sluice read prices sku-1", "sluice read prices sku-1 --as user-42", "sluice read prices sku-1 --json"),
    )
    .action(async (dataset: string, key: string, options: { as?: string }) => {
      const admin = await context.admin();
      const answer = await admin.read(dataset, key, options);
      // The value as it is, so that it can be piped on; jsonText keeps a terminal from obeying it.
      context.print(answer, () => jsonText(answer.value, 2).split("\n"));
      context.note(cleaned(whereText(answer, options.as)));
    });
}

function whereText({ dataset, version, arm, release }: ReadAnswer, user: string | undefined): string {
  if (release === null) return `v${version} of ${dataset}, as everybody sees it`;
  const who = user === undefined ? "somebody unnamed" : user;
  return `v${version} of ${dataset}, as ${who} sees it${arm === null ? "" : ` (${arm})`} in release ${release}`;
}
