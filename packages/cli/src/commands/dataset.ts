import type { NewDataset } from "@sluice/admin";
import { type Check, percentText, type PlanStep, SluiceError } from "@sluice/core";
import type { DatasetStatus } from "@sluice/core/api";
import { type Command, Option } from "commander";
import { argument } from "../arguments.ts";
import type { Context } from "../context.ts";
import { parseDuration } from "../duration.ts";
import { parseJsonText, readTextFile } from "../json-file.ts";
import { createFindPlace } from "../place.ts";
import { readPlan } from "../plan-input.ts";
import { parsePercent } from "../percent.ts";
import { counted, padTo, widthOf } from "../text.ts";
import { examples } from "./examples.ts";

const holdMsDefault = 600_000;

/** `sluice dataset create|list` */
export function addDataset(program: Command, context: Context): void {
  const dataset = program
    .command("dataset")
    .description("Create and list datasets.")
    .addHelpText("after", examples("sluice dataset create prices --template prices", "sluice dataset list"));
  addCreate(dataset, context);
  addList(dataset, context);
}

interface CreateOptions {
  readonly policy?: "canary" | "immediate";
  readonly template?: "none" | "prices" | "stock";
  readonly steps?: PlanStep[];
  readonly bake?: number;
  readonly manual?: boolean;
  readonly plan?: string;
  readonly checks?: string;
}

function addCreate(dataset: Command, context: Context): void {
  dataset
    .command("create")
    .description("Create a dataset. Its first version goes live, later ones are held or released.")
    .argument("<name>", "lower-case letters, digits and dashes, beginning with a letter")
    .addOption(
      new Option(
        "--policy <policy>",
        "canary: a later version is held or released; immediate: it is live at once",
      ).choices(["canary", "immediate"]),
    )
    .addOption(new Option("--template <set>", "a ready set of checks").choices(["none", "prices", "stock"]))
    .option("--checks <file>", "a JSON file with checks of your own, in place of a template's")
    .option(
      "--steps <steps>",
      "the plan: percentages and how long to stay on each, such as 1:10m,5:10m,25:1h",
      argument(parseSteps),
    )
    .option(
      "--bake <duration>",
      "how long a version can still be reverted after everybody sees it",
      argument(parseDuration),
    )
    .option("--manual", "a person takes every step of the plan")
    .option("--plan <plan>", "a plan's name (sluice plan list), or a JSON file with one, guard and alerts included")
    .addHelpText(
      "after",
      examples(
        "sluice dataset create prices --template prices",
        "sluice dataset create stock --policy immediate --template stock",
        "sluice dataset create promotions --steps 1:10m,10:30m,50:1h --bake 2h",
        "sluice dataset create flags --plan linear-20-every-6m",
      ),
    )
    .action(async (name: string, options: CreateOptions) => {
      const body = await bodyOf(name, options, context);
      const answer = await (await context.admin()).createDataset(body);
      context.print(answer, ({ outcome, message }) => [
        outcome === "done"
          ? `dataset ${name} is created; give it its first version with:`
          : `nothing to do: ${message}`,
        `  ${context.style.cyan(`sluice publish ${name} FILE${context.urlArgument(context.url)}`)}`,
      ]);
    });
}

async function bodyOf(name: string, options: CreateOptions, { io }: Context): Promise<NewDataset> {
  const { policy, template, steps, bake, manual } = options;
  const read = async (path: string): Promise<unknown> => parseJsonText(await readTextFile(path, io.stdin), path);
  const named = options.plan === undefined ? {} : await readPlan(options.plan, io.stdin);
  const plan = {
    // The instance holds both files to their schemas and lists every problem.
    ...(typeof named === "string" ? { preset: named } : named),
    ...(steps === undefined ? {} : { steps }),
    ...(bake === undefined ? {} : { bakeMs: bake }),
    ...(manual === true ? { automatic: false } : {}),
  };
  return {
    name,
    ...(policy === undefined ? {} : { policy }),
    ...(template === undefined ? {} : { template }),
    ...(options.checks === undefined ? {} : { checks: (await read(options.checks)) as Check[] }),
    ...(Object.keys(plan).length === 0 ? {} : { plan }),
  };
}

/** Steps as people write them, `1:10m,5:10m`; without a time a step is held for ten minutes. Throws VALIDATION. */
function parseSteps(text: string): PlanStep[] {
  return text.split(",").map((step) => {
    const [percent = "", hold, ...more] = step.split(":");
    if (more.length > 0) throw new SluiceError("VALIDATION", `expected steps such as 1:10m,5:10m, came ${text}`);
    return { thousandths: parsePercent(percent), holdMs: hold === undefined ? holdMsDefault : parseDuration(hold) };
  });
}

function addList(dataset: Command, context: Context): void {
  dataset
    .command("list")
    .description("List the datasets with what is out.")
    .addHelpText("after", examples("sluice dataset list", "sluice dataset list --json"))
    .action(async () => {
      const admin = await context.admin();
      const { datasets, following } = await admin.status();
      context.print({ datasets }, (answer) => {
        const width = Math.max(0, ...answer.datasets.map(({ name }) => widthOf(name)));
        return answer.datasets.map((each) => `${padTo(each.name, width)}  ${padTo(each.policy, 9)}  ${outText(each)}`);
      });
      if (datasets.length > 0) return;
      const { origin } = await createFindPlace(context, admin)(following);
      context.note(`no datasets yet; create one with: sluice dataset create prices${origin}`);
    });
}

function outText({ stable, candidate, release }: DatasetStatus): string {
  const live = stable === null ? "nothing out yet" : `v${stable.publish}, ${counted(stable.items, "item")}`;
  if (candidate === null) return live;
  return release === null
    ? `${live}; v${candidate.publish} is held`
    : `${live}; v${candidate.publish} is out to ${percentText(release.thousandths)}`;
}
