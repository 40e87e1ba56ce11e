import type { Command } from "commander";
import { argument, parseVersion } from "../arguments.ts";
import type { Context } from "../context.ts";
import { addressed, placeOf } from "../place.ts";
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
      const status = await (await context.admin()).status();
      const datasets = name === undefined ? status.datasets : [datasetOf(status, name)];
      const marks = datasets.flatMap((dataset) =>
        dataset.quarantine.map((mark) => ({ dataset: dataset.name, ...mark })),
      );
      const view = { nowMs: status.at, timeZone: context.timeZone };
      const place = placeOf(context, status.following);
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
      const { key } = options;
      const done =
        key === undefined
          ? `v${publish} of ${dataset} may come back: publish it again`
          : `${counted(key.length, "key")} of v${publish} of ${dataset} may come back in a new version; v${publish} as a whole may not`;
      context.print(answer, ({ outcome, message }) => {
        if (outcome !== "done") return [`nothing to do: ${message}`];
        // Where keys are none of the version's, the instance says how many were.
        return [message === "done" ? done : `${message}; v${publish} as a whole may not come back`];
      });
    });
}
