import { limits, SluiceError } from "@sluice/core";
import type { PatchBody, PatchItem } from "@sluice/core/api";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { parseJsonText, readTextFile } from "../json-file.ts";
import { counted } from "../text.ts";
import { examples } from "./examples.ts";

interface PatchOptions {
  readonly value?: string;
  readonly remove?: boolean;
  readonly file?: string;
  readonly both?: boolean;
}

/** `sluice patch DATASET KEY JSON`, `--value`, `--remove` or `--file` */
export function addPatch(program: Command, context: Context): void {
  program
    .command("patch")
    .description("Change some items at once, for everybody: a patch is not a canary. Both lines of a release take it.")
    .argument("<dataset>", "the dataset")
    .argument("[key]", "the item's key")
    .argument("[merge]", "a JSON merge patch: members to set, null to drop one")
    .option("--value <json>", "in place of a merge patch: the whole new value")
    .option("--remove", "in place of a merge patch: remove the item")
    .option(
      "--file <file>",
      `many items, a line each: {"key": …, "merge"|"value": …} or {"key": …, "remove": true}; - reads standard input`,
    )
    .option("--both", "replace or remove whole values in both lines although the lines differ in them")
    .addHelpText(
      "after",
      examples(
        `sluice patch prices sku-1 '{"price": 1999}'`,
        `sluice patch prices sku-1 --value '{"price": 1999, "currency": "CNY"}'`,
        "sluice patch prices sku-1 --remove",
        "sluice patch stock --file changes.ndjson",
      ),
    )
    .action(async (dataset: string, key: string | undefined, merge: string | undefined, options: PatchOptions) => {
      const items = await itemsOf(context, key, merge, options);
      const body: PatchBody = { items, line: options.both === true ? "both" : null };
      const answer = await (await context.admin()).patch(dataset, body);
      context.print(answer, ({ outcome, stable, candidate }) => {
        if (outcome === "unchanged") return [`nothing to do: ${dataset} is so already`];
        const lines = candidate === null ? `v${stable}` : `v${stable}, the candidate v${candidate}`;
        return [`${counted(items.length, "item")} of ${dataset} patched: it is ${lines} now`];
      });
    });
}

async function itemsOf(
  { io }: Context,
  key: string | undefined,
  merge: string | undefined,
  { value, remove, file }: PatchOptions,
): Promise<PatchItem[]> {
  const forms = [merge, value, remove, file].filter((form) => form !== undefined);
  if (forms.length !== 1 || (file === undefined) === (key === undefined)) {
    throw new SluiceError(
      "VALIDATION",
      "a patch wants a key and one of a merge patch, --value or --remove; or --file alone",
    );
  }
  if (file !== undefined) return readItems(await readTextFile(file, io.stdin), file);
  if (key === undefined) return [];
  if (remove === true) return [{ key, remove: true }];
  return value === undefined
    ? [{ key, merge: parseJsonText(merge ?? "", "the merge patch") }]
    : [{ key, value: parseJsonText(value, "--value") }];
}

/** The instance holds each line to its schema; here only what is JSON and how many there are. */
function readItems(text: string, file: string): PatchItem[] {
  const items = text
    .split("\n")
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line !== "")
    .map(({ line, number }) => parseJsonText(line, `line ${number} of ${file}`) as PatchItem);
  if (items.length === 0) throw new SluiceError("VALIDATION", `${file} has no items`);
  if (items.length > limits.itemsPerPatchMax) {
    const most = counted(limits.itemsPerPatchMax, "item");
    throw new SluiceError(
      "VALIDATION",
      `a patch has at most ${most}, ${file} has ${items.length}: split it, or publish a version`,
    );
  }
  return items;
}
