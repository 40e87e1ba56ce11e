import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SluiceError } from "@sluice/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { diskFaults } from "./disk-faults.ts";
import { createFleet, type Fleet } from "./fleet.testing.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sluice-sidecar-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const reasonsAt = async (fleet: Fleet, host: string): Promise<readonly string[]> =>
  (await fleet.status(host)).datasets[0]?.health.reasons ?? [];

test("a sidecar whose disk takes nothing says so, since it confirms no revert, and is healthy when the disk is", async () => {
  const directory = join(root, "s1");
  const fleet = await createFleet();
  await fleet.sidecar("s1", { directory });
  const release = await fleet.release(50_000);
  await fleet.until(async () => (await fleet.status("s1")).datasets[0]?.release?.prepared !== undefined);
  await fleet.until(async () => (await fleet.status("origin")).datasets[0]?.release?.prepared.count === 1);
  expect(await reasonsAt(fleet, "s1")).toEqual([]);

  rmSync(directory, { recursive: true });
  writeFileSync(directory, "a file where the folder was");
  await fleet.post("origin", `/v1/releases/${release}/revert`, { reason: "wrong" });
  await fleet.until(async () => (await reasonsAt(fleet, "s1")).length > 0);
  expect(await reasonsAt(fleet, "s1")).toEqual([
    expect.stringMatching(
      /^the disk of s1 has taken nothing for \d+ s \(.+\): reverts are in effect on s1, but not confirmed, and a restart/,
    ),
  ]);
  expect((await fleet.status("origin")).datasets[0]?.lastRevert?.receipt).toMatchObject({ confirmed: 0 });

  rmSync(directory);
  await fleet.until(async () => (await reasonsAt(fleet, "s1")).length === 0);
  await fleet.until(async () => (await fleet.status("origin")).datasets[0]?.lastRevert?.receipt?.confirmed === 1);
});

const world = (lastsMs: number, blobsInMemory: number): Parameters<typeof diskFaults>[1] => ({
  diskFault: () => ({ lastsMs, error: new SluiceError("DISK_FULL", "no room") }),
  counts: () => ({ blobsInMemory }),
});

test("what a disk has refused for a moment is no fault, and what lies in memory alone is", () => {
  expect(diskFaults("s1", world(900, 0))).toEqual([]);
  expect(diskFaults("s1", world(42_900, 1))).toEqual([
    "the disk of s1 has taken nothing for 42 s (no room is left): reverts are in effect on s1, but not confirmed, and a restart of it may forget them",
    "1 file of versions is held in the memory of s1 alone, since its disk does not take more",
  ]);
});
