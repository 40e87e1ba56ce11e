import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { endOf } from "./local.testing.ts";
import type { Items } from "./log.testing.ts";
import { blobsOn } from "./storage.testing.ts";
import { passUntil } from "./turns.testing.ts";
import { createWorld, itemsOf, shownBy } from "./world.testing.ts";

/** Minutes of a clock that stands still cost seconds where the disk is real. */
vi.setConfig({ testTimeout: 30_000 });

let directory = "";
let mounted = false;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-full-"));
});
afterEach(() => {
  if (mounted) execFileSync("umount", [directory]);
  mounted = false;
  rmSync(directory, { recursive: true, force: true });
});

/** Lays the same files under the directory again, to be read only. False where this machine does not let us. */
function mountReadOnly(files: string): boolean {
  try {
    execFileSync("mount", ["--bind", files, directory], { stdio: "ignore" });
    mounted = true;
    execFileSync("mount", ["-o", "remount,ro,bind", directory], { stdio: "ignore" });
  } catch {
    return false;
  }
  return true;
}

/** Lays a disk of two megabytes under the directory. False where this machine does not let us. */
function mountSmallDisk(): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", directory], { stdio: "ignore" });
    mounted = true;
  } catch (error) {
    // Only root may.
    if (process.env["SLUICE_REQUIRE_TMPFS"] === "1") throw error;
  }
  return mounted;
}

const large: Items = new Map(
  Array.from({ length: 3_000 }, (_, index) => [`key-${index}`, `${index} ${"x".repeat(800)}`]),
);

test("a version that a full disk does not take is read from memory, and lies on the disk once there is room", async (context) => {
  if (!mountSmallDisk()) context.skip();
  const world = await createWorld({ directory });
  const { log, origin, replica, clock } = world;
  await replica.start();
  await passUntil(clock, () => shownBy(replica).stable?.get("a") === 1);
  writeFileSync(join(directory, "somebody else's"), Buffer.alloc(1_000_000));
  origin.send(await log.publish("prices", large, true, 4));
  await passUntil(clock, () => shownBy(replica).stable?.size === 3_000);
  expect(replica.counts().blobsInMemory).toBeGreaterThan(0);
  expect(shownBy(replica).stable).toEqual(large);

  execFileSync("mount", ["-o", "remount,size=8m", directory]);
  origin.send(log.patch("prices", itemsOf({ b: 1 })));
  for (let minutes = 0; minutes < 5 && replica.counts().blobsInMemory > 0; minutes++) {
    for (let passed = 0; passed < 60_000; passed += 2_000) {
      origin.heartbeat();
      await world.pass(2_000);
    }
  }
  expect(replica.counts().blobsInMemory).toBe(0);
  expect(blobsOn(directory).length).toBeGreaterThanOrEqual(4);
  expect(shownBy(replica).stable).toEqual(new Map([...large, ["b", 1]]));
  await replica.close();
});

test("a directory that takes nothing any more keeps no version from being read", async () => {
  const world = await createWorld({ directory });
  const { log, origin, replica, clock } = world;
  await replica.start();
  await passUntil(clock, () => shownBy(replica).stable?.get("a") === 1);
  const blobs = join(directory, "blobs");
  rmSync(blobs, { recursive: true });
  writeFileSync(blobs, "a file where the folder was");
  origin.send(await log.publish("prices", itemsOf({ a: 2, b: 3 }), true));
  await passUntil(clock, () => shownBy(replica).stable?.get("a") === 2);
  expect(replica.counts().blobsInMemory).toBe(2);
  expect(shownBy(replica).stable).toEqual(itemsOf({ a: 2, b: 3 }));
  await replica.close();
});

test("a process starts on a disk that was full before it came", async (context) => {
  if (!mountSmallDisk()) context.skip();
  expect(() => writeFileSync(join(directory, "somebody else's"), Buffer.alloc(3_000_000))).toThrow("ENOSPC");
  const { replica, clock } = await createWorld({ directory: join(directory, "deep", "cache") });
  await replica.start();
  await passUntil(clock, () => shownBy(replica).stable?.get("a") === 1);
  expect(replica.counts().blobsInMemory).toBe(2);
  await replica.close();
});

test("who may only read a directory finds every file there, confirms reverts, and starts from no position", async (context) => {
  const files = mkdtempSync(join(tmpdir(), "sluice-written-"));
  try {
    const world = await createWorld({ directory: files, id: "sidecar" });
    const { log, origin, replica, another, clock } = world;
    await replica.start();
    await passUntil(clock, () => shownBy(replica).stable?.get("a") === 1);
    await passUntil(clock, () => existsSync(join(files, "position")));
    if (!mountReadOnly(files)) context.skip();
    const asked = origin.asked.length;
    origin.down = true;
    const reader = another({ id: "app-2", directory });
    await reader.start();
    expect(reader.snapshot().log).toBe(null);
    origin.down = false;
    await passUntil(clock, () => shownBy(reader).stable?.get("a") === 1);
    expect(origin.asked.length).toBe(asked);

    origin.send(await log.publish("prices", itemsOf({ a: 2 }), false), log.release("prices", "r1"));
    origin.send(log.append(endOf("release-reverted", "r1")));
    const isConfirmed = (): boolean =>
      origin.confirmations.some(({ confirmations }) =>
        confirmations.some(({ follower, reverted }) => follower === "app-2" && reverted.includes("r1")),
      );
    await passUntil(clock, isConfirmed, "the revert is confirmed");
    await reader.close();
    await replica.close();
  } finally {
    if (mounted) execFileSync("umount", [directory]);
    mounted = false;
    rmSync(files, { recursive: true, force: true });
  }
});
