import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { frameSchema, loggedEventSchema } from "../api/index.ts";
import { own } from "../own.ts";
import { armOf, bucketOf } from "./bucketing.ts";
import type { Command } from "./command.ts";
import { decide } from "./decide.ts";
import type { EventType } from "./event.ts";
import { evolve } from "./evolve.ts";
import { everybodyThousandths, holdMsAt, nextStep } from "./plan.ts";
import { play, startMs } from "./random-history.testing.ts";
import { anna, historyArbitrary } from "./random-steps.testing.ts";
import { activeRelease, emptyState, isActive } from "./state.ts";

const seed = Number(process.env["SLUICE_SEED"] ?? Math.floor(startMs / 1000));
const histories = Number(process.env["SLUICE_HISTORIES"] ?? 1_500);
const runs = { numRuns: histories, seed };

/** Thousands of histories on a machine that is busy with something else. */
const timeout = 60_000;

describe(`random histories, seed ${seed} (SLUICE_SEED sets another)`, { timeout }, () => {
  test("the histories reach every kind of event that the machine can make", () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        for (const { event } of play(steps).log) kinds.add(event.type);
      }),
      { ...runs, numRuns: 300 },
    );
    // Sources and alerts have tests of their own: they change nothing of who sees what.
    const left: readonly EventType[] = ["source-added", "source-removed", "alert-received", "rebased"];
    const all: Record<EventType, true> = {
      "dataset-created": true,
      "source-added": true,
      "source-removed": true,
      "version-published": true,
      "publish-refused": true,
      patched: true,
      rebased: true,
      "release-started": true,
      "percentage-set": true,
      "release-held": true,
      "release-resumed": true,
      "release-promoted": true,
      "guard-off": true,
      "guard-on": true,
      "version-restored": true,
      "release-completed": true,
      "release-reverted": true,
      "release-superseded": true,
      "quarantine-lifted": true,
      "alert-received": true,
    };
    expect([...kinds, ...left].toSorted()).toEqual(Object.keys(all).toSorted());
  });

  test("invariant 3: raising the percentage only adds targeting keys to the candidate, lowering removes the last added", () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string(),
        fc.integer({ min: 0, max: 100_000 }),
        fc.integer({ min: 0, max: 100_000 }),
        (salt, key, a, b) => {
          const bucket = bucketOf(salt, key);
          expect(bucket).toBeGreaterThanOrEqual(0);
          expect(bucket).toBeLessThan(everybodyThousandths);
          const [low, high] = a <= b ? [a, b] : [b, a];
          if (armOf(bucket, low) === "candidate") expect(armOf(bucket, high)).toBe("candidate");
          expect(armOf(bucket, 0)).toBe("control");
          expect(armOf(bucket, everybodyThousandths)).toBe("candidate");
        },
      ),
      runs,
    );
  });

  test("invariant 3: the share of keys in the candidate is the percentage", () => {
    for (const thousandths of [500, 5_000, 25_000, 50_000]) {
      const inside = Array.from({ length: 40_000 }, (_, user) => bucketOf("salt", `user-${user}`)).filter(
        (bucket) => bucket < thousandths,
      ).length;
      // Five standard deviations of a binomial share.
      const share = thousandths / everybodyThousandths;
      expect(Math.abs(inside - 40_000 * share)).toBeLessThan(5 * Math.sqrt(40_000 * share * (1 - share)));
    }
  });

  test("invariant 5: a version number never names two contents, and no number is given twice", () => {
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        const given = new Map<string, string>();
        for (const { event } of play(steps).log) {
          const name = (dataset: string, number: number, content: string): void => {
            expect(given.has(`${dataset} ${number}`)).toBe(false);
            given.set(`${dataset} ${number}`, content);
          };
          if (event.type === "version-published") name(event.dataset, event.number, event.content.contentHash);
          if (event.type === "version-restored") name(event.dataset, event.number, event.content.contentHash);
          if (event.type === "publish-refused" && event.number !== null) name(event.dataset, event.number, "refused");
          if (event.type === "patched") {
            name(event.dataset, event.stable.number, event.stable.contentHash);
            if (event.candidate !== null) name(event.dataset, event.candidate.number, event.candidate.contentHash);
          }
        }
      }),
      runs,
    );
  });

  test("invariant 6: a revert is accepted in every state with an active release, and ends it, whoever holds it and whatever is off", () => {
    const cause = { reason: "it hurts", evidence: null };
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        const { state } = play(steps);
        for (const release of Object.values(state.releases).filter(isActive)) {
          const stable = own(state.datasets, release.dataset)?.stable;
          for (const kind of ["person", "guard", "alert"] as const) {
            // Only its own rules are off, and not where followers have heard of it.
            const announced = kind === "guard" && release.guardOff !== null;
            const command: Command = { type: "revert", target: { release: release.id }, cause, announced };
            const decision = decide(state, { by: { kind, name: "x" }, command }, startMs * 2);
            expect(decision.kind).toBe("events");
            if (decision.kind !== "events") return;
            expect(decision.events.map(({ event }) => event.type)).toEqual(["release-reverted"]);
            const event = decision.events[0]?.event;
            if (event === undefined) return;
            const after = evolve(state, { sequence: state.sequence + 1, at: startMs, by: anna, event });
            expect(activeRelease(after, release.dataset)).toBeUndefined();
            expect(own(after.datasets, release.dataset)?.stable).toEqual(stable);
            expect(own(after.datasets, release.dataset)?.candidate).toBeNull();
          }
        }
      }),
      runs,
    );
  });

  test("invariant 6: reverts within five minutes are one, and a revert of nothing changes nothing", () => {
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        play(steps, ({ given, decision, before, logged, nowMs }) => {
          const { command, by } = given;
          if (command.type !== "revert" || !("dataset" in command.target)) return;
          const { dataset } = command.target;
          const active = activeRelease(before, dataset);
          const isOff = by.kind === "guard" && (active?.guardOff ?? null) !== null && command.announced !== true;
          expect(logged.length).toBe(active === undefined || isOff ? 0 : 1);
          if (active !== undefined) return;
          const recent = Object.values(before.releases).some(
            ({ phase, ended, dataset: of }) =>
              phase === "reverted" && of === dataset && nowMs - (ended?.at ?? 0) <= 300_000,
          );
          if (decision.kind === "unchanged") expect(recent).toBe(true);
          else expect(decision).toMatchObject({ kind: "rejected" });
        });
      }),
      runs,
    );
  });

  test("invariant 9: a follower that reads the log from the wire computes the origin's state", () => {
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        const { state, log } = play(steps);
        const wire = log.map((logged) => loggedEventSchema.parse(JSON.parse(JSON.stringify(logged))));
        expect(wire.reduce(evolve, emptyState)).toEqual(state);
        const frame = frameSchema.parse(JSON.parse(JSON.stringify({ type: "state", state, lines: {}, marks: [] })));
        expect(frame).toEqual({ type: "state", state, lines: {}, marks: [] });
      }),
      { ...runs, numRuns: Math.min(histories, 300) },
    );
  });

  test("deciding changes nothing and is repeatable", () => {
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        play(steps, ({ given, decision, before, nowMs }) => {
          expect(decide(structuredClone(before), structuredClone(given), nowMs)).toEqual(decision);
        });
      }),
      { ...runs, numRuns: Math.min(histories, 300) },
    );
  });

  test("invariant 10: no tick takes two steps of a release, and none jumps over one, however long the origin slept", () => {
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        play(steps, ({ given, before, logged }) => {
          if (given.command.type !== "tick") return;
          const moves = logged.flatMap(({ event }) =>
            event.type === "percentage-set" || event.type === "release-promoted" ? [event] : [],
          );
          expect(new Set(moves.map(({ release }) => release)).size).toBe(moves.length);
          for (const event of moves) {
            const release = own(before.releases, event.release);
            const next = release === undefined ? undefined : nextStep(release.plan, release.thousandths);
            expect(event.type === "percentage-set" ? event.thousandths : undefined).toBe(next?.thousandths);
          }
        });
      }),
      runs,
    );
  });

  test("invariant 10: no plan takes a step before its hold is over, while somebody else holds it, or without evidence before its wait is over", () => {
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        play(steps, ({ given, before, logged }) => {
          const { command } = given;
          if (command.type !== "tick") return;
          for (const { event, by } of logged) {
            if (event.type !== "percentage-set" && event.type !== "release-promoted") continue;
            const release = own(before.releases, event.release);
            if (release === undefined) throw new Error("a step of no release");
            const { plan, thousandths, hold, epoch } = release;
            const elapsedMs = command.elapsed?.[release.id]?.elapsedMs ?? Number.NaN;
            const isOpen = command.proven?.[release.id]?.epoch === epoch;
            expect(by).toEqual({ kind: "plan", name: release.id });
            expect(plan.automatic).toBe(true);
            // What the plan held for want of evidence has waited already.
            if (hold !== null) expect([hold.by.kind, isOpen]).toEqual(["plan", true]);
            else expect(elapsedMs).toBeGreaterThanOrEqual(holdMsAt(plan, thousandths));
            expect(event.evidence !== null).toBe(plan.promotion !== null && isOpen);
            if (plan.promotion === null || isOpen) continue;
            expect(plan.promotion.otherwise).toBe("proceed");
            expect(elapsedMs).toBeGreaterThanOrEqual(holdMsAt(plan, thousandths) + plan.promotion.waitMaxMs);
          }
        });
      }),
      runs,
    );
  });

  test("invariant 11: a guard that is off does nothing, the plan waits, and it is on again when its time is over", () => {
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        play(steps, ({ given, before, after, logged }) => {
          const { command, by } = given;
          for (const { event } of logged) {
            const off = "release" in event ? own(before.releases, event.release ?? "")?.guardOff : null;
            if (off === null || off === undefined) continue;
            if (by.kind === "guard") expect(command).toMatchObject({ type: "revert", announced: true });
            if (command.type === "tick") expect(["guard-on", "release-completed"]).toContain(event.type);
          }
          if (command.type !== "tick") return;
          for (const { id, guardOff } of Object.values(after.releases)) {
            if (guardOff === null) continue;
            expect(command.guardOff?.[id]?.elapsedMs).toBeLessThan(guardOff.until - guardOff.at);
          }
        });
      }),
      runs,
    );
  });

  test("a hold is ended by a person, by whoever made it, or by the plan that made it; another's word leaves it", () => {
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        play(steps, ({ given, before, after, logged }) => {
          for (const { event } of logged) {
            if (event.type !== "release-resumed") continue;
            const hold = own(before.releases, event.release)?.hold;
            const owner = given.command.type === "tick" ? { kind: "plan", name: event.release } : given.by;
            if (given.by.kind !== "person") expect(hold?.by).toEqual(owner);
            expect(hold).not.toBeNull();
            expect(own(after.releases, event.release)?.hold).toBeNull();
          }
        });
      }),
      runs,
    );
  });

  test("what a person holds stays held until a person says otherwise or the release ends, whoever else holds or resumes", () => {
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        play(steps, ({ given, before, after, logged }) => {
          if (given.by.kind === "person" && given.command.type !== "tick") return;
          for (const release of Object.values(before.releases)) {
            if (release.hold?.by.kind !== "person" || !isActive(release)) continue;
            const now = own(after.releases, release.id);
            if (now !== undefined && isActive(now)) expect(now.hold).toEqual(release.hold);
            else expect(logged.map(({ event }) => event.type)).toContain("release-reverted");
          }
        });
      }),
      runs,
    );
  });

  test("a percentage that a person sets or starts with below the plan's first step stays until a person says otherwise", () => {
    expect.hasAssertions();
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        play(steps, ({ after, logged }) => {
          for (const { event, by } of logged) {
            if (by.kind !== "person" || (event.type !== "percentage-set" && event.type !== "release-started")) continue;
            const release = own(after.releases, event.release);
            if (release?.phase !== "running" || !release.plan.automatic) continue;
            // A resume of what the plan held takes the step that the plan waited with.
            const isResumed = logged.some((each) => each.event.type === "release-resumed");
            const first = release.plan.steps[0]?.thousandths ?? everybodyThousandths;
            const isPaused = event.type === "release-started" ? event.thousandths < first : !isResumed;
            if (isPaused) expect(release.hold?.by.kind).toBe("person");
          }
        });
      }),
      runs,
    );
  });

  test("a release stands between two lines for as long as it is active, and a dataset has at most one", () => {
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        play(steps, ({ after }) => {
          for (const dataset of Object.values(after.datasets)) {
            const active = Object.values(after.releases).filter(
              (release) => release.dataset === dataset.name && isActive(release),
            );
            expect(active.map(({ id }) => id)).toEqual(dataset.release === null ? [] : [dataset.release]);
            if (dataset.release !== null) expect([dataset.stable, dataset.candidate]).not.toContain(null);
            const [release] = active;
            if (release === undefined) continue;
            expect(dataset.candidate?.publish).toBe(release.candidatePublish);
            expect(dataset.stable?.publish).toBe(release.stablePublish);
            expect(release.phase === "baking").toBe(release.thousandths === everybodyThousandths);
          }
        });
      }),
      runs,
    );
  });
});
