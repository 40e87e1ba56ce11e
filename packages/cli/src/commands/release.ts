import { percentText } from "@sluice/core";
import type { DatasetStatus, ReleaseStatus } from "@sluice/core/api";
import type { Command } from "commander";
import { argument, parseVersion, parseWhole } from "../arguments.ts";
import type { Context } from "../context.ts";
import { parsePercent } from "../percent.ts";
import { addressed } from "../place.ts";
import { readPlan } from "../plan-input.ts";
import { activeReleaseOf, datasetOf } from "../release-of.ts";
import type { View } from "../render/layout.ts";
import { nextText } from "../render/next-rows.ts";
import { examples } from "./examples.ts";
import { finish } from "./release-answer.ts";
import { addShow } from "./release-show.ts";
import { waitOption } from "./wait-option.ts";

const everybody = 100_000;

/** `sluice release start|percent|hold|resume|promote|show`, each by the name of the dataset. */
export function addRelease(program: Command, context: Context): void {
  const release = program
    .command("release")
    .description("Show a held version to a growing share of users.")
    .addHelpText("after", examples("sluice release start prices --percent 5", "sluice release percent prices 20"));
  addStart(release, context);
  addPercent(release, context);
  addHold(release, context);
  addResume(release, context);
  addPromote(release, context);
  addShow(release, context);
}

interface WaitOptions {
  readonly wait: number;
}

interface StartOptions extends WaitOptions {
  readonly percent?: number;
  readonly publish?: number;
  readonly plan?: string;
  readonly acceptQuarantined?: boolean;
}

function addStart(release: Command, context: Context): void {
  release
    .command("start")
    .description("Start the release of the version that is held.")
    .argument("<dataset>", "the dataset")
    .option("--percent <percent>", "the first percentage (default: the plan's first step)", argument(parsePercent))
    .option("--publish <version>", "refuse unless this version is the one that is held", argument(parseVersion))
    .option("--plan <plan>", "a plan's name (sluice plan list) or a JSON file with one, in place of the dataset's")
    .option("--accept-quarantined", "start although changes come back that were reverted")
    .addOption(waitOption())
    .addHelpText(
      "after",
      examples("sluice release start prices", "sluice release start prices --percent 5 --publish 4"),
    )
    .action(async (name: string, options: StartOptions) => {
      const { percent, acceptQuarantined } = options;
      const admin = await context.admin();
      const plan = options.plan === undefined ? null : await readPlan(options.plan, context.io.stdin);
      const held = datasetOf(await admin.status(), name).candidate;
      const publish = options.publish ?? held?.publish ?? null;
      const answer = await admin.startRelease(name, {
        publish,
        plan,
        thousandths: percent ?? null,
        acceptQuarantined: acceptQuarantined === true,
      });
      const to = percent === undefined ? "the first step of its plan" : `${percentText(percent)} of users`;
      await finish(context, admin, name, answer, `v${publish ?? ""} of ${name} is out to ${to}`, options.wait);
    });
}

function addPercent(release: Command, context: Context): void {
  release
    .command("percent")
    .description("Set the percentage of users that see the new version. A plan that runs by itself is held then.")
    .argument("<dataset>", "the dataset")
    .argument("<percent>", "0 to 100 in steps of 0.001", argument(parsePercent))
    .option(
      "--epoch <number>",
      "refuse unless this is still the step it stands at (default: the one it stands at now)",
      argument(parseWhole(1, Number.MAX_SAFE_INTEGER)),
    )
    .addOption(waitOption())
    .addHelpText("after", examples("sluice release percent prices 20", "sluice release percent prices 2.5"))
    .action(async (name: string, thousandths: number, options: WaitOptions & { epoch?: number }) => {
      const admin = await context.admin();
      const { release: active, candidate } = await activeReleaseOf(admin, name);
      const answer = await admin.setPercentage(active.id, { thousandths, epoch: options.epoch ?? active.epoch });
      const to = thousandths === everybody ? "everybody" : `${percentText(thousandths)} of users`;
      const head = `v${candidate.publish} of ${name} is out to ${to}, it was ${percentText(active.thousandths)}`;
      // What went on by itself until now does not any more, and nobody may find that out at four in the morning.
      const moved = active.hold === null && active.next !== null;
      await finish(context, admin, name, answer, head, options.wait, ({ dataset: { release: now } }, { place }) =>
        moved && now?.phase === "running" && now.hold?.by.kind === "person"
          ? [
              context.style.yellow(
                `its plan is paused there: ${addressed(`sluice release resume ${name}`, place)} lets it go on to the next higher step`,
              ),
            ]
          : [],
      );
    });
}

function addHold(release: Command, context: Context): void {
  release
    .command("hold")
    .description("Stop the plan where it stands until somebody resumes it. Guard and alerts still revert.")
    .argument("<dataset>", "the dataset")
    .option("-r, --reason <text>", "why, for the log and for those who look later")
    .addHelpText("after", examples('sluice release hold prices --reason "waiting for finance"'))
    .action(async (name: string, { reason }: { reason?: string }) => {
      const admin = await context.admin();
      const { release: active, candidate } = await activeReleaseOf(admin, name);
      const answer = await admin.hold(active.id, reason === undefined ? {} : { reason });
      const head = `v${candidate.publish} of ${name} is held at ${percentText(active.thousandths)}`;
      await finish(context, admin, name, answer, head, null);
    });
}

function addResume(release: Command, context: Context): void {
  release
    .command("resume")
    .description("Let a held plan go on; the time of its step begins anew.")
    .argument("<dataset>", "the dataset")
    .option("-r, --reason <text>", "why, for the log")
    .addHelpText("after", examples("sluice release resume prices"))
    .action(async (name: string, { reason }: { reason?: string }) => {
      const admin = await context.admin();
      const { release: active, candidate } = await activeReleaseOf(admin, name);
      const answer = await admin.resume(active.id, reason === undefined ? {} : { reason });
      const plan = `the plan of v${candidate.publish} of ${name}`;
      const head = answer.message === "done" ? `${plan} goes on` : `${plan} does not go on yet: ${answer.message}`;
      await finish(context, admin, name, answer, head, null, ({ dataset }, view) =>
        resumedLines(active, dataset, view),
      );
    });
}

function addPromote(release: Command, context: Context): void {
  release
    .command("promote")
    .description("Show the new version to everybody and begin its bake; during the bake, end it.")
    .argument("<dataset>", "the dataset")
    .addOption(waitOption())
    .addHelpText("after", examples("sluice release promote prices"))
    .action(async (name: string, { wait }: WaitOptions) => {
      const admin = await context.admin();
      const { release: active, candidate } = await activeReleaseOf(admin, name);
      const answer = await admin.promote(active.id, { epoch: active.epoch });
      const head =
        active.phase === "baking"
          ? `the bake is over: v${candidate.publish} is the stable version of ${name}`
          : `everybody sees v${candidate.publish} of ${name}; it can still be reverted while it bakes`;
      await finish(context, admin, name, answer, head, wait, () =>
        answer.message === "done" ? [] : [context.style.yellow(answer.message)],
      );
    });
}

/** What a resume leads to: a step that it took, and the next one. */
function resumedLines(before: ReleaseStatus, { release: now }: DatasetStatus, view: View): string[] {
  if (now === null) return [];
  const taken =
    now.phase === "baking" && before.phase === "running"
      ? ["everybody sees it now: the step that it waited for"]
      : now.thousandths === before.thousandths
        ? []
        : [`it is out to ${percentText(now.thousandths)} now: the step that it waited for`];
  if (now.hold !== null) return taken;
  if (now.next === null) {
    const waits =
      now.guardOff === null
        ? "it goes to nothing by itself: a person takes every step"
        : "it waits for the guard, which is off";
    return [...taken, waits];
  }
  return [...taken, `next: ${nextText(now, now.next, view)}`];
}
