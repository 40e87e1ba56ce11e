import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGuard, defaultPlan, tickGuard } from "@sluice/core";
import { markSchema } from "@sluice/core/api";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFleet, type Fleet } from "./fleet.testing.ts";
import { markOf } from "./presented-marks.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-announced-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** An origin that dies with a revert of `reason` that it has announced and owes to its log. */
async function diedOwing(fleet: Fleet, reason: string): Promise<string> {
  const release = await fleet.release(50_000);
  await fleet.pass(1_000);
  fleet.breakStore();
  expect(await fleet.post("origin", "/v1/datasets/prices/revert", { reason })).toMatchObject({
    release,
    receipt: { durable: false },
  });
  await fleet.pass(3_000);
  fleet.cut("origin");
  return release;
}

async function backAgain(fleet: Fleet): Promise<void> {
  await fleet.startOrigin();
  fleet.heal("origin");
  await fleet.pass(5_000);
}

test.each([[[]], [["host-7"]]])(
  "a revert that the origin died owing comes back with who gave it and why, through %j",
  async (sidecars) => {
    const fleet = await createFleet();
    for (const name of sidecars) await fleet.sidecar(name);
    const app = await fleet.app("app-1", [sidecars[0] ?? "origin"]);
    const release = await diedOwing(fleet, "prices in yen");
    await backAgain(fleet);
    const [dataset] = (await fleet.status("origin")).datasets;
    expect(dataset).toMatchObject({
      release: null,
      lastRevert: {
        release,
        by: { kind: "person", name: "anna" },
        cause: { reason: expect.stringMatching(/^prices in yen; in the log \d+ s later$/) },
      },
    });
    await app.close();
  },
);

test("who gave it and why outlive the follower's process too", async () => {
  const fleet = await createFleet();
  const app = await fleet.app("app-1", ["origin"], directory);
  const release = await diedOwing(fleet, "prices in yen");
  await fleet.until(() => existsSync(directory) && readdirSync(directory).some((name) => /^marks\..*\d$/.test(name)));
  await app.close();
  const again = await fleet.app("app-2", ["origin"], directory);
  await backAgain(fleet);
  expect((await fleet.status("origin")).datasets[0]).toMatchObject({
    lastRevert: {
      release,
      by: { kind: "person", name: "anna" },
      cause: { reason: expect.stringMatching(/^prices in yen; in the log \d+ s later$/) },
    },
  });
  await again.close();
});

test("what followers are told of a revert has no evidence in it, and a reason that they take", () => {
  const { evidence } = tickGuard(createGuard(defaultPlan.guard, { epoch: 1, thousandths: 1_000 }), 0);
  const cause = { reason: "x".repeat(3_000), evidence };
  const mark = markOf({ release: "r1", at: 5, by: { kind: "guard", name: "comparative" }, cause });
  expect(markSchema.parse(mark)).toMatchObject({
    release: "r1",
    by: { name: "comparative" },
    cause: { evidence: null },
  });
});
