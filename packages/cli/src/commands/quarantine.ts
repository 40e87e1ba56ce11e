import type { CommandAnswer } from "@sluice/core/api";
import type { Command } from "commander";
import { argument, parseVersion } from "../arguments.ts";
import type { Context } from "../context.ts";
import { sent } from "../error-text.ts";
import { addressed, createFindPlace } from "../place.ts";
import { datasetOf } from "../release-of.ts";
import { actorText, agoText } from "../render/time.ts";
import { counted } from "../text.ts";
import { examples } from "./examples.ts";

/** `sluice quarantine list|lift` */
export function addQuarantine(program: Command, context: Context): void {
  const quarantine = program
    .command("quarantine")
    .description("See and lift the marks that keep what was reverted from coming back by itself.")
    .addHelpText("after", examples("sluice quarantine list prices", "sluice quarantine lift prices 4"));
  addList(quarantine, context);
  addLift(quarantine, context);
}

function addList(quarantine: Command, context: Context): void {
  quarantine
    .command("list")
    .description("List what was reverted and may not come back by itself.")
    .argument("[dataset]", "only this dataset")
    .addHelpText("after", examples("sluice quarantine list", "sluice quarantine list prices --json"))
    .action(async (name: string | undefined) => {
      const admin = await context.admin();
      const status = await admin.status();
      const datasets = name === undefined ? status.datasets : [datasetOf(status, name)];
      const marks = datasets.flatMap((dataset) =>
        dataset.quarantine.map((mark) => ({ dataset: dataset.name, ...mark })),
      );
      const view = { nowMs: status.at, timeZone: context.timeZone };
      const place = await createFindPlace(context, admin)(status.following);
      context.print({ quarantine: marks }, (answer) =>
        answer.quarantine.flatMap(({ dataset, publish, release, at, by, reason, liftedKeys }) => [
          `${dataset} v${publish}  ${release === null ? "taken back by a restore" : "reverted"} ${agoText(at, view)} by ${actorText(by)}: ${reason}`,
          ...(liftedKeys === 0 ? [] : [`  lifted for ${counted(liftedKeys, "key")}`]),
          `  ${context.style.cyan(addressed(`sluice quarantine lift ${dataset} ${publish}`, place))}`,
        ]),
      );
      if (marks.length === 0) context.note("nothing is in quarantine");
    });
}

interface LiftOptions {
  readonly key?: string[];
  readonly reason?: string;
}

function addLift(quarantine: Command, context: Context): void {
  quarantine
    .command("lift")
    .description("Let a reverted version come back, whole or only some of its keys.")
    .argument("<dataset>", "the dataset")
    .argument("<version>", "the reverted version, as `quarantine list` names it", argument(parseVersion))
    .option("-k, --key <keys...>", "only these keys")
    .option("-r, --reason <text>", "why, for the log")
    .addHelpText(
      "after",
      examples(
        "sluice quarantine lift prices 4",
        'sluice quarantine lift prices 4 --key sku-1 sku-2 --reason "price is right after all"',
      ),
    )
    .action(async (dataset: string, publish: number, options: LiftOptions) => {
      const admin = await context.admin();
      const answer = await admin.liftQuarantine(dataset, {
        publish,
        ...(options.key === undefined ? {} : { keys: options.key }),
        ...(options.reason === undefined ? {} : { reason: options.reason }),
      });
      const here = context.urlArgument(context.url);
      context.print(answer, (shown) => liftedLines(shown, { dataset, publish, keys: options.key }, here));
    });
}

/** The instance says how many of the keys were the version's, where not all were, and what becomes of a version that is held. */
function liftedLines(
  { outcome, message }: CommandAnswer,
  { dataset, publish, keys }: { dataset: string; publish: number; keys: readonly string[] | undefined },
  here: string,
): string[] {
  if (outcome !== "done") return [`nothing to do: ${message}`];
  const isPlain = message === "done";
  if (keys === undefined) {
    const lines = [`v${publish} of ${dataset} may come back: publish it again`];
    return isPlain ? lines : [...lines, sent(message, here)];
  }
  if (!isPlain) return [`${message}; v${publish} as a whole may not come back`];
  const some = `${counted(keys.length, "key")} of v${publish} of ${dataset}`;
  return [`${some} may come back in a new version; v${publish} as a whole may not`];
}
