import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { own } from "../own.ts";
import type { LoggedEvent } from "./event.ts";
import { evolve } from "./evolve.ts";
import { everybodyThousandths, nextStep } from "./plan.ts";
import { startMs } from "./random-history.testing.ts";
import type { NamespaceState } from "./state.ts";
import { emptyState, isActive } from "./state.ts";
import type { World } from "./two-origins.testing.ts";
import { playWorld, worldArbitrary } from "./two-origins.testing.ts";

const seed = Number(process.env["SLUICE_SEED"] ?? Math.floor(startMs / 1000));
const runs = { numRuns: Number(process.env["SLUICE_HISTORIES"] ?? 750), seed };
/** Thousands of worlds on a machine that is busy with something else. */
const timeout = 60_000;

/** Calls `see` with each event and the states around it. */
function eachEvent(
  { log }: World,
  see: (logged: LoggedEvent, before: NamespaceState, after: NamespaceState) => void,
): void {
  let state = emptyState;
  for (const logged of log) {
    const after = evolve(state, logged);
    see(logged, state, after);
    state = after;
  }
}

function always(holds: (world: World) => void, numRuns: number = runs.numRuns): void {
  fc.assert(
    fc.property(worldArbitrary, (input) => holds(playWorld(input))),
    { ...runs, numRuns },
  );
}

describe(`two origins on one log, seed ${seed} (SLUICE_SEED sets another)`, { timeout }, () => {
  test("the worlds have conflicts, answers that were lost and asked for again, and reverts by each kind of actor", () => {
    let [conflicts, retries] = [0, 0];
    const reverters = new Set<string>();
    always((world) => {
      conflicts += world.conflicts;
      retries += world.retries;
      for (const { by, event } of world.log) if (event.type === "release-reverted") reverters.add(by.kind);
    }, 200);
    expect(conflicts).toBeGreaterThan(20);
    expect(retries).toBeGreaterThan(20);
    expect(reverters).toEqual(new Set(["person", "guard", "alert"]));
  });

  test("invariant 9: both end with the same state, which is the log's", () => {
    always(({ log, states }) => {
      const state = log.reduce(evolve, emptyState);
      for (const each of states) expect(each).toEqual(state);
    });
  });

  test("invariant 8: a command happens once, however often it was lost and asked for again, and one that was answered is in the log", () => {
    always(({ appends, answered }) => {
      const keys = appends.map(({ key }) => key);
      expect(new Set(keys).size).toBe(keys.length);
      for (const [key, outcome] of answered) if (outcome === "events") expect(keys).toContain(key);
    });
  });

  test("invariant 5: no number is given twice", () => {
    expect.hasAssertions();
    always((world) => {
      const given = new Set<string>();
      eachEvent(world, ({ event }) => {
        const numbers =
          event.type === "version-published" || event.type === "version-restored" || event.type === "publish-refused"
            ? [event.number]
            : event.type === "patched"
              ? [event.stable.number, event.candidate?.number ?? null]
              : [];
        for (const number of numbers) {
          const name = `${"dataset" in event ? event.dataset : ""} ${number}`;
          if (number !== null) expect(given.has(name)).toBe(false);
          if (number !== null) given.add(name);
        }
      });
    });
  });

  test("invariant 6: several reverts of a release are one, and a raise that was decided meanwhile loses", () => {
    always((world) => {
      const ended = new Set<string>();
      eachEvent(world, ({ event }, before) => {
        if (!("release" in event) || event.release === null || event.type === "alert-received") return;
        expect(ended.has(event.release)).toBe(false);
        if (event.type !== "release-started") expect(own(before.releases, event.release)).toSatisfy(isActive);
        if (["release-reverted", "release-completed", "release-superseded"].includes(event.type))
          ended.add(event.release);
      });
    });
  });

  test("invariant 6: a revert that was answered has left nothing of its release that runs or bakes", () => {
    always(({ appends, answered, states }) => {
      for (const { key, given, events } of appends) {
        if (given.command.type !== "revert" || !answered.has(key)) continue;
        const reverted = events.flatMap(({ event }) => (event.type === "release-reverted" ? [event.release] : []));
        expect(reverted).toHaveLength(1);
        const release = own(states[0]?.releases ?? {}, reverted[0] ?? "");
        if (release !== undefined) expect(release.phase).toBe("reverted");
      }
    });
  });

  test("invariant 7: what either took back does not come back while its mark stands", () => {
    expect.hasAssertions();
    always((world) => {
      const contents = new Map<string, Set<string>>();
      eachEvent(world, ({ event }, before, after) => {
        for (const { name, stable, candidate } of Object.values(after.datasets)) {
          for (const line of [stable, candidate]) {
            if (line === null) continue;
            const key = `${name} ${line.publish}`;
            contents.set(key, (contents.get(key) ?? new Set()).add(line.contentHash));
          }
        }
        if (event.type !== "version-published" && event.type !== "version-restored") return;
        const marks = own(before.datasets, event.dataset)?.quarantine ?? [];
        const line = event.type === "version-published" ? event.content.contentHash : null;
        for (const { publish } of marks) {
          if (line !== null) expect(contents.get(`${event.dataset} ${publish}`)?.has(line)).not.toBe(true);
        }
      });
    });
  });

  test("invariant 10: plans go from step to step without a jump, by evidence or after their wait, whoever ticks", () => {
    always((world) => {
      eachEvent(world, ({ event, by }, before) => {
        if (by.kind !== "plan" || (event.type !== "percentage-set" && event.type !== "release-promoted")) return;
        const release = own(before.releases, event.release);
        if (release === undefined) throw new Error("a step of no release");
        const { plan, thousandths, hold } = release;
        const next = nextStep(plan, thousandths)?.thousandths ?? everybodyThousandths;
        expect(event.type === "percentage-set" ? event.thousandths : everybodyThousandths).toBe(next);
        expect(plan.automatic).toBe(true);
        expect(hold).toBeNull();
        expect(release.guardOff).toBeNull();
        if (plan.promotion?.otherwise === "hold") expect(event.evidence).not.toBeNull();
      });
    });
  });

  test("invariant 11: a guard that either turned off does nothing that followers have not heard of", () => {
    always((world) => {
      const announced = new Set(
        world.appends.flatMap(({ given, events }) =>
          given.command.type === "revert" && given.command.announced === true ? events : [],
        ),
      );
      const wrong: LoggedEvent[] = [];
      eachEvent(world, (logged, before) => {
        const { event, by } = logged;
        if (by.kind !== "guard" || !("release" in event) || announced.has(logged)) return;
        if ((own(before.releases, event.release ?? "")?.guardOff ?? null) !== null) wrong.push(logged);
      });
      expect(wrong).toEqual([]);
    });
  });
});
