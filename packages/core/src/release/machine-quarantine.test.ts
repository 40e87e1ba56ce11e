import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { own } from "../own.ts";
import { play, startMs } from "./random-history.testing.ts";
import { historyArbitrary } from "./random-steps.testing.ts";

const seed = Number(process.env["SLUICE_SEED"] ?? Math.floor(startMs / 1000));
const runs = { numRuns: Number(process.env["SLUICE_HISTORIES"] ?? 1_500), seed };

/** Thousands of histories on a machine that is busy with something else. */
const timeout = 60_000;

describe(`random histories of what was reverted, seed ${seed} (SLUICE_SEED sets another)`, { timeout }, () => {
  test("invariant 7: no content of a reverted line is published again while its mark stands", () => {
    expect.hasAssertions();
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        play(steps, ({ given, before, logged }) => {
          const { command } = given;
          if (command.type !== "publish") return;
          const marks = own(before.datasets, command.dataset)?.quarantine ?? [];
          const marked = marks.some(
            ({ publish, bytesHash }) =>
              command.linesWithContent.includes(publish) || bytesHash === command.origin.bytesHash,
          );
          if (marked) expect(logged).toEqual([]);
        });
      }),
      runs,
    );
  });

  test("invariant 7: changes that come back from a reverted version never start by themselves", () => {
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        const startedUnseen: string[] = [];
        play(steps, ({ logged, after }) => {
          for (const { event } of logged) {
            if (event.type !== "release-started" || event.acceptQuarantined) continue;
            const candidate = own(after.datasets, event.dataset)?.candidate;
            if (candidate !== null && candidate?.quarantinedChanges !== null) startedUnseen.push(event.release);
          }
        });
        expect(startedUnseen).toEqual([]);
      }),
      runs,
    );
  });

  test("invariant 7: who shares changes with a reverted version starts by itself when its mark is lifted, and no other stands that it may share some with", () => {
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        const published = new Map<string, number>();
        play(steps, ({ before, logged }) => {
          for (const { event } of logged) {
            if (event.type === "version-published" && event.quarantinedChanges !== null) {
              published.set(`${event.dataset} ${event.number}`, event.quarantinedChanges.publish);
            }
            if (event.type !== "release-started" || event.acceptQuarantined) continue;
            const known = own(before.datasets, event.dataset);
            const shared = published.get(`${event.dataset} ${known?.candidate?.publish}`);
            const isNew = logged.some((each) => each.event.type === "version-published");
            if (shared === undefined || isNew) continue;
            const standing = known?.quarantine.filter((mark) => mark.changes !== null || mark.publish === shared);
            expect(standing).toEqual([]);
          }
        });
      }),
      runs,
    );
  });

  test("invariant 7: an older version comes back under a number of its own, and not while its line is in quarantine", () => {
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        play(steps, ({ given, before, after, logged }) => {
          const { command } = given;
          if (command.type !== "restore") return;
          const known = own(before.datasets, command.dataset);
          const marked = known?.quarantine.some(({ publish }) => publish === command.line) === true;
          if (marked || known?.stable?.number !== command.stable) expect(logged).toEqual([]);
          for (const { event } of logged) {
            if (event.type !== "version-restored") continue;
            const now = own(after.datasets, command.dataset);
            expect(now).toMatchObject({ release: null, candidate: null, lastNumber: event.number });
            expect(now?.stable).toMatchObject({ number: event.number, contentHash: command.content.contentHash });
            const marks = new Set(now?.quarantine.map(({ publish }) => publish));
            expect(command.takenBack.filter(({ publish }) => !marks.has(publish))).toEqual([]);
            expect(marks.size).toBe(now?.quarantine.length);
          }
        });
      }),
      runs,
    );
  });

  test("invariant 7: after something was taken back no source starts a release, before everybody sees something newer or the mark is lifted", () => {
    let started = 0;
    fc.assert(
      fc.property(historyArbitrary, (steps) => {
        // What stands taken back, by dataset, worked out from the events alone.
        const standing = new Map<string, Set<number | "restored">>();
        const of = (dataset: string): Set<number | "restored"> => {
          const known = standing.get(dataset) ?? new Set();
          standing.set(dataset, known);
          return known;
        };
        play(steps, ({ before, logged }) => {
          for (const { event, by } of logged) {
            const release = "release" in event ? own(before.releases, event.release ?? "") : undefined;
            if (event.type === "release-reverted" && release !== undefined)
              of(release.dataset).add(release.candidatePublish);
            if (event.type === "version-restored") standing.set(event.dataset, new Set(["restored"]));
            if (event.type === "quarantine-lifted" && event.keys === null) of(event.dataset).delete(event.publish);
            if (event.type === "release-completed" && release !== undefined) of(release.dataset).clear();
            if (event.type === "version-published" && event.live) of(event.dataset).clear();
            if (event.type !== "release-started" || by.kind !== "source") continue;
            expect([...of(event.dataset)]).toEqual([]);
            started += 1;
          }
        });
      }),
      runs,
    );
    expect(started).toBeGreaterThan(0);
  });
});
