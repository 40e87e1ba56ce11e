import { planPresets } from "@sluice/core";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { readPlan, wholePlan } from "../plan-input.ts";
import { layOut } from "../render/layout.ts";
import { renderPlan, timelineOf } from "../render/plan.ts";
import { examples } from "./examples.ts";

/** `sluice plan list|show` */
export function addPlan(program: Command, context: Context): void {
  const plan = program
    .command("plan")
    .description("See the plans that have names, and check one of your own.")
    .addHelpText("after", examples("sluice plan list", "sluice plan show careful", "sluice plan show plan.json"));
  addList(plan, context);
  addShow(plan, context);
}

function addList(plan: Command, context: Context): void {
  plan
    .command("list")
    .description("List the names that --plan takes, AppConfig's among them. Asks no instance.")
    .addHelpText("after", examples("sluice plan list", "sluice plan list --json"))
    .action(() => {
      const { io, clock, style } = context;
      const view = { columns: io.stdout.columns, style, nowMs: clock.wall() };
      context.print({ plans: planPresets }, ({ plans }) =>
        plans.flatMap(({ form, name, aliases, about }) => {
          const example = form === name ? [] : [{ label: "such as", text: name }];
          const also =
            aliases.length === 0 ? [] : [{ label: "also", text: `${aliases.join(", ")} (AppConfig's names)` }];
          return [`${style.bold(form)}  ${about}`, ...layOut([...example, ...also], view)];
        }),
      );
    });
}

function addShow(plan: Command, context: Context): void {
  plan
    .command("show")
    .description(
      "Show a plan whole: steps, times, and what it waits for. Lists every error of a file. Asks no instance.",
    )
    .argument("<plan>", "a plan's name, or a JSON file with a plan; - reads standard input")
    .addHelpText("after", examples("sluice plan show linear-20-every-6m", "sluice plan show plan.json --json"))
    .action(async (text: string) => {
      const { io, clock, style, timeZone } = context;
      const input = await readPlan(text, io.stdin);
      const shown = await wholePlan(context, input, text);
      const view = { columns: io.stdout.columns, style, nowMs: clock.wall(), timeZone };
      context.print({ name: text, plan: shown, timeline: timelineOf(shown) }, (answer) =>
        renderPlan(answer.name, answer.plan, view),
      );
    });
}
