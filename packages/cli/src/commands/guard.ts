import { guardOffMsMax, SluiceError } from "@sluice/core";
import type { Command } from "commander";
import { argument } from "../arguments.ts";
import type { Context } from "../context.ts";
import { durationText, parseDuration } from "../duration.ts";
import { activeReleaseOf } from "../release-of.ts";
import { examples } from "./examples.ts";
import { finish } from "./release-answer.ts";

const forMsMin = 1_000;

/** `sluice guard off|on` */
export function addGuard(program: Command, context: Context): void {
  const guard = program
    .command("guard")
    .description("Take the guard's hands off a release for a while. People, alerts and queries still revert.")
    .addHelpText(
      "after",
      examples('sluice guard off prices --reason "the payment provider is down" --for 10m', "sluice guard on prices"),
    );
  addOff(guard, context);
  addOn(guard, context);
}

function addOff(guard: Command, context: Context): void {
  guard
    .command("off")
    .description(
      "Keep the guard from reverting and holding what runs or bakes, until a time; it goes on counting. The plan waits.",
    )
    .argument("<dataset>", "the dataset")
    .requiredOption("-r, --reason <text>", "why, for everybody who looks meanwhile")
    .requiredOption(
      "--for <duration>",
      "for how long, at most 12h; then it is on again by itself",
      argument(parseForMs),
    )
    .addHelpText("after", examples('sluice guard off prices --reason "the payment provider is down" --for 10m'))
    .action(async (name: string, { reason, for: forMs }: { reason: string; for: number }) => {
      const admin = await context.admin();
      const { release, candidate } = await activeReleaseOf(admin, name);
      const answer = await admin.guardOff(release.id, { forMs, reason });
      const head = `the guard of v${candidate.publish} of ${name} is OFF for ${durationText(forMs)}: until then only people, alerts and queries revert it`;
      await finish(context, admin, name, answer, context.style.bold(context.style.red(head)), null);
    });
}

function addOn(guard: Command, context: Context): void {
  guard
    .command("on")
    .description("Let the guard act again, before its time. What it has counted meanwhile it acts on at once.")
    .argument("<dataset>", "the dataset")
    .option("-r, --reason <text>", "why, for the log")
    .addHelpText("after", examples("sluice guard on prices"))
    .action(async (name: string, { reason }: { reason?: string }) => {
      const admin = await context.admin();
      const { release, candidate } = await activeReleaseOf(admin, name);
      const answer = await admin.guardOn(release.id, reason === undefined ? {} : { reason });
      await finish(context, admin, name, answer, `the guard of v${candidate.publish} of ${name} is on again`, null);
    });
}

function parseForMs(text: string): number {
  const forMs = parseDuration(text);
  if (forMs >= forMsMin && forMs <= guardOffMsMax) return forMs;
  throw new SluiceError("VALIDATION", `a guard is off for 1s to 12h, came ${text}`);
}
