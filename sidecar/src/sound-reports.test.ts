import type { ReleaseReport } from "@sluice/core/api";
import { pino } from "pino";
import { expect, test } from "vitest";
import { createFleet, type Fleet } from "./fleet.testing.ts";
import { createSoundReports } from "./sound-reports.ts";

const report = (release: string, epoch: number, unit: number): ReleaseReport => ({
  release,
  epoch,
  candidate: { ok: 10, failures: { error: { count: 1, distinct: 1 } }, units: [unit] },
  control: { ok: 10, failures: {}, units: [] },
  served: { candidate: 0, stable: 0 },
});

/** A release at 20 % on a host whose application fails in the candidate, beside one whose reports a test sends itself. */
async function behindSidecar(): Promise<{
  fleet: Fleet;
  release: string;
  fail: (quarters: number, bad?: readonly ReleaseReport[]) => Promise<void>;
}> {
  const fleet = await createFleet();
  await fleet.sidecar("host-7");
  const app = await fleet.app("app-7", ["host-7"]);
  const release = await fleet.release(20_000);
  await fleet.until(() => (app.snapshot().datasets.get("prices")?.candidate ?? null) !== null);
  let sequence = 0;
  // A unit of the control, told as the candidate's: a bucket that is worked out wrongly.
  const misled = [report(release, 1, 90_000)];
  const fail = async (quarters: number, bad: readonly ReleaseReport[] = misled): Promise<void> => {
    for (let quarter = 0; quarter < quarters; quarter++) {
      for (let unit = 0; unit < 6; unit++) {
        app.reporter.outcome({ release, epoch: 1, arm: "candidate", unit: quarter * 6 + unit, failure: "error" });
      }
      for (let count = 0; count < 40; count++) {
        app.reporter.outcome({ release, epoch: 1, arm: "control", unit: 50_000, failure: null });
      }
      await fleet.pass(20);
      for (const each of bad) await send(fleet, ++sequence, [each]);
      await fleet.pass(230);
    }
  };
  return { fleet, release, fail };
}

async function send(fleet: Fleet, sequence: number, reports: readonly ReleaseReport[]): Promise<void> {
  await fleet.post("host-7", "/v1/outcomes", { reporter: "bad", sequence, reports }).catch(() => undefined);
}

test("one reporter whose reports are wrong does not silence the others behind its sidecar", async () => {
  const { fleet, release, fail } = await behindSidecar();
  await fail(12);
  expect((await fleet.status("origin")).datasets[0]).toMatchObject({
    release: null,
    lastRevert: { release, by: { kind: "guard", name: "comparative" } },
  });
});

test("one reporter whose counts are near what a count can say does not silence the others behind its sidecar", async () => {
  const { fleet, release, fail } = await behindSidecar();
  const none = { ok: 0, failures: {}, units: [] };
  const huge = { ...report(release, 1, 1), candidate: none, served: { candidate: 0, stable: 999_999_990 } };
  await fail(12, [huge, huge]);
  expect((await fleet.status("origin")).datasets[0]).toMatchObject({ release: null, lastRevert: { release } });
});

test("what is said of a release or a step that is not known is sent on, and what is known to be wrong is not", async () => {
  const { fleet, release } = await behindSidecar();
  const snapshots = await fleet.app("app-8", ["origin"]);
  const sound = createSoundReports({ logger: pino({ level: "silent" }) });
  const sent = (reports: readonly ReleaseReport[]): readonly ReleaseReport[] =>
    sound.of({ reporter: "a", sequence: 1, reports }).reports;
  // More users than failures, whatever the step.
  const wrong = {
    ...report(release, 9, 7),
    control: { ok: 1, failures: { error: { count: 1, distinct: 2 } }, units: [] },
  };
  expect(sent([wrong])).toEqual([]);
  const reports = [
    report(release, 1, 7),
    report(release, 1, 90_000),
    report(release, 2, 90_000),
    report("r0", 1, 90_000),
  ];
  expect(sent(reports)).toEqual(reports);
  await fleet.until(() => snapshots.snapshot().state.releases[release]?.epoch === 1);
  sound.follow(snapshots.snapshot());
  expect(sent(reports)).toEqual([reports[0], reports[2], reports[3]]);
  await fleet.post("origin", `/v1/releases/${release}/percentage`, { thousandths: 30_000, epoch: null });
  await fleet.until(() => snapshots.snapshot().state.releases[release]?.epoch === 2);
  sound.follow(snapshots.snapshot());
  // The step before is still known.
  expect(sent(reports)).toEqual([reports[0], reports[3]]);
  await fleet.post("origin", `/v1/releases/${release}/revert`, { reason: "enough" });
  await fleet.until(() => snapshots.snapshot().state.releases[release]?.phase === "reverted");
  sound.follow(snapshots.snapshot());
  expect(sent(reports)).toEqual(reports);
});
