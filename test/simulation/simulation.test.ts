import { describe, expect, test, vi } from "vitest";
import { playSeed } from "./seed.ts";

// Disk and threads of everything under test are the world's own, so that a world is a function of its seed.
vi.mock("node:fs", async (original) => (await import("./virtual-fs.ts")).virtualFs(await original()));
vi.mock("node:fs/promises", async (original) => (await import("./virtual-fs.ts")).virtualPromises(await original()));
vi.mock("node:crypto", async (original) => (await import("./virtual-crypto.ts")).virtualCrypto(await original()));
vi.mock("node:sqlite", async (original) => (await import("./virtual-sqlite.ts")).virtualSqlite(await original()));

// SLUICE_SEED=44 plays one world and prints all of it; SLUICE_SEEDS=2000 plays more of them.
const one = process.env["SLUICE_SEED"];
const first = Number(one ?? 1);
const count = Number(process.env["SLUICE_SEEDS"] ?? (one === undefined ? 100 : 1));
const seeds = Array.from({ length: count }, (_, index) => first + index);
const print = one === undefined ? undefined : (line: string): void => void process.stdout.write(`${line}\n`);

/** What worlds have to be full of, or their judges judge nothing. */
const met = new Map<string, number>();
const wanted: readonly string[] = [
  "reverted by person",
  "reverted by alert",
  "reverted by guard",
  "revert that ran ahead",
  "view of a candidate",
  "kept without a lease",
  "kept from a reverted candidate",
  "kept from an unprepared candidate",
  "kept from what is reverted here",
  "here revert done",
  "here lift done",
  "taken back by a host at rest",
  "isolated",
  "origin lost in a bake",
  "cut-off sidecar reverted",
  "reverted by a cut-off sidecar",
  "guard-off done",
  "guard-on done",
  "receipt that names who is away",
  "commit VIEW_REVERTED",
  "commit VIEW_EXPIRED",
  "publish QUARANTINED",
  "restore done",
  "restore CHOICE_NEEDED",
  "restore PRUNED",
  "publish INVALID_JSON",
  "patch LINES_DIFFER",
  "origin silence",
  "sdk silence",
  "sidecar silence",
  "power lost after a revert",
  "store down",
  "store mute",
  "store full",
  "disk full",
  "read of a corrupt part",
  "sidecar read",
  "state arrived",
  "bye arrived",
  "cut",
];

describe("every invariant holds at every step, and everybody comes to the same rest", () => {
  test.each(seeds)("in the world of seed %d", async (seed) => {
    const { counts } = await playSeed(seed, {}, print);
    expect(counts.get("view of a candidate")).toBeGreaterThan(0);
    for (const [what, times] of counts) met.set(what, (met.get(what) ?? 0) + times);
  });

  test.skipIf(count < 100)("in worlds that meet everything that can break them", () => {
    expect(wanted.filter((what) => !met.has(what))).toEqual([]);
  });
});

test("the same seed gives the same world, to the last message", async () => {
  const [once, again, other] = [await playSeed(first), await playSeed(first), await playSeed(first + 1)];
  expect(again.hash).toBe(once.hash);
  expect(other.hash).not.toBe(once.hash);
});
