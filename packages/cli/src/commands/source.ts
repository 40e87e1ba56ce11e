import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { SluiceError } from "@sluice/core";
import { type Command, Option } from "commander";
import { argument } from "../arguments.ts";
import type { Context } from "../context.ts";
import { parseDuration } from "../duration.ts";
import { datasetOf } from "../release-of.ts";
import { sourceText } from "../render/dataset-rows.ts";
import { examples } from "./examples.ts";

/** `sluice source add|list|remove` */
export function addSource(program: Command, context: Context): void {
  const source = program
    .command("source")
    .description("Say where a dataset's versions come from: an HTTP URL that is polled or a file that is watched.")
    .addHelpText(
      "after",
      examples("sluice source add prices http://127.0.0.1:9000/prices.ndjson", "sluice source list"),
    );
  addAdd(source, context);
  addList(source, context);
  addRemove(source, context);
}

interface AddOptions {
  readonly id?: string;
  readonly every?: number;
  readonly onNew?: "hold" | "release";
}

function addAdd(source: Command, context: Context): void {
  source
    .command("add")
    .description("Add a source: from now on the instance pulls new versions from there.")
    .argument("<dataset>", "the dataset")
    .argument("<url>", "an http:, https: or file: URL, or a path on the instance's own disk")
    .option("--id <name>", 'what to call it (default: "main")')
    .option("--every <duration>", "the pause between two looks at a URL (default: 30s)", argument(parseDuration))
    .addOption(
      new Option(
        "--on-new <action>",
        "what to do with a new version (default: hold); after a revert it is held either way",
      ).choices(["hold", "release"]),
    )
    .addHelpText(
      "after",
      examples(
        "sluice source add prices http://127.0.0.1:9000/prices.ndjson --every 5s --on-new release",
        "sluice source add stock ./stock.ndjson --id warehouse",
      ),
    )
    .action(async (dataset: string, url: string, { id, every, onNew }: AddOptions) => {
      const body = {
        url: urlOf(url),
        ...(id === undefined ? {} : { id }),
        ...(every === undefined ? {} : { intervalMs: every }),
        ...(onNew === undefined ? {} : { onNew }),
      };
      const answer = await (await context.admin()).addSource(dataset, body);
      context.print(answer, ({ outcome, message }) => [
        outcome === "done" ? `source ${id ?? "main"} of ${dataset} is added: ${body.url}` : `nothing to do: ${message}`,
        `  ${context.style.cyan(`sluice status ${dataset} --watch${context.urlArgument(context.url)}`)}`,
      ]);
    });
}

function addList(source: Command, context: Context): void {
  source
    .command("list")
    .description("List sources and how they fare.")
    .argument("[dataset]", "only this dataset's")
    .addHelpText("after", examples("sluice source list", "sluice source list prices --json"))
    .action(async (name: string | undefined) => {
      const status = await (await context.admin()).status();
      const datasets = name === undefined ? status.datasets : [datasetOf(status, name)];
      const sources = datasets.flatMap((dataset) =>
        dataset.sources.map((each) => ({ dataset: dataset.name, ...each })),
      );
      const view = { nowMs: status.at, timeZone: context.timeZone };
      context.print({ sources }, (answer) =>
        answer.sources.map((each) => `${each.dataset}  ${sourceText(each, view)}`),
      );
      if (sources.length === 0) context.note("no sources");
    });
}

function addRemove(source: Command, context: Context): void {
  source
    .command("remove")
    .description("Remove a source. What it brought stays.")
    .argument("<dataset>", "the dataset")
    .argument("<id>", "the source, as `source list` names it")
    .addHelpText("after", examples("sluice source remove prices main"))
    .action(async (dataset: string, id: string) => {
      const answer = await (await context.admin()).removeSource(dataset, id);
      context.print(answer, ({ outcome, message }) => [
        outcome === "done" ? `source ${id} of ${dataset} is removed` : `nothing to do: ${message}`,
      ]);
    });
}

/** What has no scheme is a path, and means the same wherever the instance runs from. Throws VALIDATION for what is a host. */
function urlOf(text: string): string {
  if (/^(?:[a-z0-9.-]+|\[[0-9a-f:]+\]):\d{1,5}(?:\/|$)/i.test(text)) {
    throw new SluiceError("VALIDATION", `expected a URL or a path, came ${text}; did you mean http://${text}?`);
  }
  return /^[a-z][a-z0-9+.-]+:/i.test(text) ? text : pathToFileURL(resolve(text)).href;
}
