import type { Admin } from "@sluice/admin";
import { isSluiceError, type LoggedEvent, SluiceError } from "@sluice/core";
import type { DatasetStatus, EvidenceAnswer } from "@sluice/core/api";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { createFindPlace } from "../place.ts";
import { datasetOf } from "../release-of.ts";
import { type ReleaseReport, renderRelease } from "../render/release.ts";
import { examples } from "./examples.ts";

/** Control events of a dataset that are looked through for a release's. */
const eventsMax = 2_000;

/** `sluice release show DATASET [--release ID]` */
export function addShow(release: Command, context: Context): void {
  release
    .command("show")
    .description("Draw a release: its plan and course, the guard's counts, tests and evidence over time.")
    .argument("<dataset>", "the dataset")
    .option("--release <id>", "this one (default: what runs or bakes, else the one that ended last)")
    .addHelpText(
      "after",
      examples(
        "sluice release show prices",
        "sluice release show prices --release prices-v4-x7k2mq",
        "sluice release show prices --json",
      ),
    )
    .action(async (name: string, options: { release?: string }) => {
      const admin = await context.admin();
      const status = await admin.status();
      const report = await reportOf(admin, datasetOf(status, name), options.release);
      const place = await createFindPlace(context, admin)(status.following);
      if (status.following !== null) {
        context.note(`the course and the evidence are at the origin: sluice release show ${name}${place.origin}`);
      }
      const { columns } = context.io.stdout;
      const view = { columns, style: context.style, nowMs: status.at, timeZone: context.timeZone, place };
      context.print(report, (shown) => renderRelease(shown, view));
    });
}

async function reportOf(admin: Admin, dataset: DatasetStatus, asked: string | undefined): Promise<ReleaseReport> {
  const all = await atOrigin(() => admin.log({ dataset: dataset.name, limit: eventsMax }), []);
  const release = asked ?? dataset.release?.id ?? lastReleaseOf(all);
  if (release === undefined) {
    throw new SluiceError("RELEASE_UNKNOWN", `${dataset.name} was never released step by step`);
  }
  const events = all.filter(({ event }) => "release" in event && event.release === release);
  const evidence = await evidenceOf(admin, release);
  if (asked !== undefined && events.length === 0 && evidence === null && dataset.release?.id !== asked) {
    throw new SluiceError(
      "RELEASE_UNKNOWN",
      `there is no release ${asked} of ${dataset.name}; its last ones: sluice log`,
    );
  }
  return { dataset, release, events, evidence };
}

function lastReleaseOf(events: readonly LoggedEvent[]): string | undefined {
  for (const { event } of events.toReversed()) if (event.type === "release-started") return event.release;
  return undefined;
}

/** An origin keeps that of the last ones. */
async function evidenceOf(admin: Admin, release: string): Promise<EvidenceAnswer | null> {
  try {
    return await atOrigin<EvidenceAnswer | null>(() => admin.evidence(release), null);
  } catch (error) {
    if (isSluiceError(error, "RELEASE_UNKNOWN")) return null;
    throw error;
  }
}

/** What an origin alone knows; a follower shows what it knows itself. */
async function atOrigin<T>(ask: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (isSluiceError(error, "NOT_ORIGIN")) return otherwise;
    throw error;
  }
}
