import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openEmbeddedStore } from "../../sidecar/src/store/embedded-store.ts";
import type { Store } from "../../sidecar/src/store/port.ts";
import { hashOf, readEvents } from "../../sidecar/src/store/sample-events.ts";
import { appendAfter, storyUpTo } from "../support/store-story.ts";

const writer = join(import.meta.dirname, "../support/store-writer.ts");

let directory: string;
let child: ChildProcess;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-crash-"));
});

afterEach(async () => {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill("SIGKILL");
    await once(child, "close");
  }
  rmSync(directory, { recursive: true });
});

/** Starts a writer, lets it live until `until` says so of a line, kills it, and gives all lines that it told. */
async function writeAndKill(until: (line: string, index: number) => Promise<boolean> | boolean): Promise<string[]> {
  child = spawn(process.execPath, ["--conditions=sluice-source", writer, directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  const lines: string[] = [];
  if (child.stdout === null) throw new Error("a child without standard output");
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (!child.killed && (await until(line, lines.length - 1))) child.kill("SIGKILL");
  }
  await closed;
  expect(child.signalCode).toBe("SIGKILL");
  return lines;
}

function open(): Promise<Store> {
  return openEmbeddedStore({ directory, clock: { wall: () => 0 }, newLogId: () => "log-1" });
}

/** Whole numbers from 0 to below `end`, the same for the same seed. */
function createRandom(seed: number): (end: number) => number {
  let state = seed;
  return (end) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * end);
  };
}

const seed = Number(process.env["SLUICE_SEED"] ?? 20_261_111);

test(`every acknowledged append outlives kill -9 whole, and no other is there in part (seed ${seed})`, async () => {
  const random = createRandom(seed);
  // The first dies while it makes the log; then at any line: `opening`, `opened`, or an acknowledgement.
  const kills = [0, ...Array.from({ length: 8 }, () => random(60))];
  let acknowledged = 0;
  for (const kill of kills) {
    const lines = await writeAndKill((_, index) => index === kill);
    acknowledged = Math.max(acknowledged, ...lines.map(Number).filter((last) => !Number.isNaN(last)));

    const store = await open();
    const events = await readEvents(store.log);
    expect(events.length, `after the kill at line ${kill}`).toBeGreaterThanOrEqual(acknowledged);
    // Equal to the story, which ends where an append ends: nothing is missing, changed or half there.
    expect(events).toEqual(storyUpTo(events.length));

    let expected = 0;
    while (expected < events.length) {
      expect(await store.log.remembered(`after-${expected}`)).toBeDefined();
      expected += appendAfter(expected).events.length;
    }
    expect(await store.log.remembered(`after-${expected}`)).toBeUndefined();
    // What a candidate had may be quarantined, so it is remembered; what stable had after a patch is not.
    if (expected > 0) expect(await store.log.linesWithContent("stock", hashOf(`d${expected}`))).toEqual([2]);
    await store.close();
  }
  expect(acknowledged).toBeGreaterThan(0);
});

test("the directory of a living process is refused with its pid, and free once it was killed", async () => {
  let refusal: unknown;
  await writeAndKill(async (line) => {
    if (line !== "opened") return false;
    refusal = await open().catch((error: unknown) => error);
    return true;
  });
  expect(refusal).toMatchObject({ code: "STORE_UNAVAILABLE", details: { pid: child.pid } });
  const store = await open();
  await store.close();
});
