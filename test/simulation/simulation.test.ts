import type { Frame } from "@sluice/core/api";
import { describe, expect, test, vi } from "vitest";
import type { Forge } from "./network.ts";
import { playSeed } from "./seed.ts";
import { Violation } from "./trace.ts";

// Disk and chance of everything under test are the world's own, so that a world is a function of its seed.
vi.mock("node:fs", async (original) => (await import("./virtual-fs.ts")).virtualFs(await original()));
vi.mock("node:fs/promises", async (original) => (await import("./virtual-fs.ts")).virtualPromises(await original()));
vi.mock("node:crypto", async (original) => (await import("./virtual-crypto.ts")).virtualCrypto(await original()));

const one = process.env["SLUICE_SEED"];
const first = Number(one ?? 1);
const count = Number(process.env["SLUICE_SEEDS"] ?? (one === undefined ? 100 : 1));
const seeds = Array.from({ length: count }, (_, index) => first + index);

describe("every invariant holds at every step, and everybody comes to the same rest", () => {
  test.each(seeds)("in the world of seed %d", async (seed) => {
    const lines: string[] = [];
    const { counts } = await playSeed(
      seed,
      {},
      one === undefined ? undefined : (line) => void lines.push(line),
    ).finally(() => process.stdout.write(lines.map((line) => `${line}\n`).join("")));
    expect(counts.size).toBeGreaterThan(10);
  });
});

test("the same seed gives the same world, to the last message", async () => {
  for (const seed of [3, 17]) {
    const [once, again] = [await playSeed(seed), await playSeed(seed)];
    expect(again.hash).toBe(once.hash);
  }
});

/** Plays seeds under a sabotage until one of them is caught; gives the rule that caught it. */
async function caughtBy(forge: Forge): Promise<string> {
  for (let seed = 1; seed <= 12; seed++) {
    try {
      await playSeed(seed, { forge });
    } catch (error) {
      if (error instanceof Violation) return error.rule;
      throw error;
    }
  }
  return "nobody";
}

const isSdk = (host: string): boolean => host.startsWith("sdk");

/** Takes every trace of a revert out of what an SDK is told. */
function withoutReverts(frame: Frame): readonly Frame[] {
  if (frame.type === "mark") return [];
  if (frame.type !== "events") return [frame];
  const events = frame.events.map((logged) => {
    if (logged.event.type !== "release-reverted") return logged;
    const event = {
      type: "alert-received",
      name: "nothing",
      status: "resolved",
      labels: {},
      action: "none",
      release: null,
    } as const;
    return { ...logged, event };
  });
  return [{ ...frame, events }];
}

describe("a world that is broken on purpose is caught", () => {
  test("by SDKs that never hear of a revert", async () => {
    expect(await caughtBy((frame, _from, to) => (isSdk(to.host) ? withoutReverts(frame) : [frame]))).toMatch(
      /^invariant/,
    );
  });

  test("by a percentage that another follower sees as another one", async () => {
    const forge: Forge = (frame, _from, to) => {
      if (frame.type !== "events" || to.host !== "sdk-0") return [frame];
      const events = frame.events.map((logged) =>
        logged.event.type === "percentage-set" || logged.event.type === "release-started"
          ? { ...logged, event: { ...logged.event, thousandths: Math.floor(logged.event.thousandths / 2) } }
          : logged,
      );
      return [{ ...frame, events }];
    };
    expect(await caughtBy(forge)).toMatch(/^invariant/);
  });

  test("by heartbeats that vouch for what nobody vouched for", async () => {
    // An SDK that is cut off from reverts by a sidecar which calls every contact fresh.
    const forge: Forge = (frame, _from, to) => {
      if (!isSdk(to.host)) return [frame];
      return frame.type === "heartbeat" ? [{ ...frame, ageMs: 0 }] : withoutReverts(frame);
    };
    expect(await caughtBy(forge)).toMatch(/^invariant/);
  });
});
