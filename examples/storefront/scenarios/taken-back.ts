import type { FileName } from "../catalogue/price-files.ts";
import { createChecks } from "../stage/checks.ts";
import type { Outcome } from "../stage/outcome.ts";
import type { LogLine } from "../stage/sluice.ts";
import { shopWorkers, type Stage } from "../stage/stage.ts";
import { count, type Timeline } from "../stage/timeline.ts";
import { everybodyOnFirst, eventually, type Expect, isOf, isOnly, pause, second, settledMs } from "./acts.ts";

/** The parts of a plot in which a candidate hurts and is taken back. */
const stepNames = ["everybodyOnFirst", "candidateHurts", "takenBack", "harmOver"] as const;

/** A candidate, version 2, that hurts in some way, and who is to take it back. */
export interface Plot {
  readonly file: FileName;
  /** What is wrong with it, for the timeline. */
  readonly wrong: string;
  readonly by: "guard" | "alert";
  /** The kind of failure that the guard has to have decided by; null where it is not the guard's to decide. */
  readonly kind: string | null;
  /** Requests a second. */
  readonly pace: number;
  /** From the first bad answer to the decision, at most; where nobody is there to decide, for how long it is looked. */
  readonly deadlineMs: number;
  /** Answers that come late or not at all without the candidate's doing, as a fraction of all: where the machine pauses, any page is slow. */
  readonly lateShareMax: number;
}

/** Plays a plot: each part is done only if the shoppers, the log and the shop's processes say so. */
export async function tellTakenBack(stage: Stage, timeline: Timeline, plot: Plot): Promise<Outcome> {
  const { shoppers, log } = stage;
  const checks = createChecks(stepNames);
  let revert: LogLine | undefined;
  let appliedAt: Readonly<Record<string, number>> = {};
  await shoppers.pace(plot.pace);

  const isWhole =
    (await checks.step("everybodyOnFirst", (expect) => everybodyOnFirst(stage, expect, plot.lateShareMax))) &&
    (await checks.step("candidateHurts", (expect) => candidateHurts(stage, timeline, plot, expect)));
  if (isWhole) {
    await checks.step("takenBack", async (expect) => {
      revert = await log.waitFor("v2 is taken back", plot.deadlineMs, isOf("release-reverted"));
      appliedAt = await stage.workers.reverted(2, 10 * second);
      const last = Math.max(...Object.values(appliedAt));
      timeline.say("good", `every process of the shop is back on v1, ${last - revert.at} ms after the decision`, last);
      expectCause(plot, revert, expect);
    });
  }
  const summary = await lookAfterwards();

  async function lookAfterwards(): Promise<Outcome["summary"]> {
    await pause(2 * second);
    // Where nobody took it back, long enough for somebody to have been hurt at 5 %.
    const from = revert === undefined ? Date.now() - 8 * second : Math.max(...Object.values(appliedAt)) + 1;
    const after = await shoppers.tally(from, Date.now() - settledMs);
    const found = await shoppers.summary({ broken: 2, revertAt: revert?.at ?? null, appliedAt });
    await checks.step("harmOver", async (expect) => {
      expect(after.requests > 20, `only ${after.requests} requests reached the shop afterwards`);
      expect(
        after.bad <= noiseOf(after, plot),
        `${count(after.bad)} of the last ${count(after.requests)} answers were bad: ${JSON.stringify(after.faults)}`,
      );
      const [shown, bad] = [after.shown["2"] ?? 0, after.badShown["2"] ?? 0];
      expect(
        isOnly(after, 1),
        `the harm goes on: v2 was shown ${count(shown)} times more, and ${count(bad)} times it hurt`,
      );
      expect(
        found.controlErrors <= noiseOf(found, plot),
        `${found.controlErrors} of ${found.requests} answers were bad and v2 does not explain it: ${JSON.stringify(found.faults)}`,
      );
      expect(Object.keys(appliedAt).length === shopWorkers, "a process of the shop kept the bad version");
    });
    return found;
  }

  return { steps: checks.steps(), failures: checks.failures(), summary };
}

async function candidateHurts(stage: Stage, timeline: Timeline, plot: Plot, expect: Expect): Promise<void> {
  const { merchandising, shoppers, log } = stage;
  timeline.say("quiet", `the merchandising system offers v2: ${plot.wrong}`);
  const offeredAt = Date.now();
  await merchandising.offer(plot.file);
  const started = await log.waitFor("the release of v2 starts", 20 * second, isOf("release-started", offeredAt));
  expect(started.event.thousandths === 5_000, `v2 started at ${started.event.thousandths} thousandths`);
  await eventually("a shopper is hurt by v2", 30 * second, async () => {
    const { badShown } = await shoppers.tally(started.at, Date.now());
    return (badShown["2"] ?? 0) > 0 ? true : undefined;
  });
}

/** How many bad answers may have come of a machine that pauses: none but those that were late. */
function noiseOf(
  seen: { readonly requests: number; readonly faults: Readonly<Record<string, number>> },
  plot: Plot,
): number {
  const late = (seen.faults["no answer"] ?? 0) + (seen.faults["too slow"] ?? 0);
  return Math.min(late, plot.lateShareMax * seen.requests);
}

function expectCause({ by, kind }: Plot, { by: actor, event }: LogLine, expect: Expect): void {
  expect(actor.kind === by, `v2 was taken back by ${actor.kind} ${actor.name}, not by the ${by}`);
  if (kind === null) return;
  const kinds = event.cause?.evidence?.kinds ?? [];
  const strongest = kinds.toSorted((a, b) => b.evidence - a.evidence)[0]?.kind;
  expect(strongest === kind, `the guard decided by failures of the kind ${String(strongest)}, not ${kind}`);
}
