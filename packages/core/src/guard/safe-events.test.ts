import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { configAfterLosses, defaultGuardConfig, type GuardConfig, slotMs } from "./config.ts";
import { createGuard, ingest, stepGuard, tickGuard } from "./guard.ts";
import type { ArmReport, OutcomeReport } from "./report.ts";
import { acceptSequence, createSequenceLog } from "./sequences.ts";
import type { GuardState } from "./state.ts";
import { restoreGuard, serializeGuard } from "./stored.ts";

// One test for each row of "what is safe, what is not": what may happen to reports and to a guard without making its promise void.

const config: GuardConfig = { ...defaultGuardConfig, absolute: [] };
const start = { epoch: 1, thousandths: 5000 };

function arm(requests: number, failures = 0, units: number[] = []): ArmReport {
  return { ok: requests - failures, failures: { error: { count: failures, distinct: failures } }, units };
}

const report = (candidateFailures: number, controlFailures: number, epoch = 1): OutcomeReport => ({
  epoch,
  candidate: arm(50, candidateFailures),
  control: arm(950, controlFailures),
});

const counts = fc.array(fc.tuple(fc.nat(4), fc.nat(20)), { minLength: 1, maxLength: 30 });

function evidenceOf(guard: GuardState) {
  return tickGuard(guard, guard.slot * slotMs).evidence;
}

/** One slot for each list of reports. */
function play(guard: GuardState, slots: readonly (readonly OutcomeReport[])[]) {
  for (const reports of slots) {
    for (const each of reports) ingest(guard, each);
    tickGuard(guard, (guard.slot + 1) * slotMs);
  }
  return evidenceOf(guard);
}

describe("the percentage changes", () => {
  test("evidence is kept, and reports of two steps are never one block", () => {
    // A quiet step of 1 % and a busy one of 25 % whose base rate is ten times as high: pooled, the candidate looks worse.
    const one = { epoch: 1, candidate: arm(10), control: arm(990, 1) };
    const two = { epoch: 2, candidate: arm(250, 12), control: arm(750, 36) };
    const apart = createGuard(config, { epoch: 1, thousandths: 1000 });
    stepGuard(apart, { epoch: 2, thousandths: 25_000 });
    const pooled = createGuard(config, { epoch: 2, thousandths: 25_000 });
    for (let slot = 0; slot < 20; slot += 1) {
      play(apart, [[one, two]]);
      play(pooled, [[{ ...one, epoch: 2 }, two]]);
    }
    expect(evidenceOf(apart).comparativeEvidence).toBeLessThan(1);
    expect(evidenceOf(pooled).comparativeEvidence).toBeGreaterThan(evidenceOf(pooled).threshold);

    const before = play(createGuard(config, start), [[report(2, 5)]]).comparativeEvidence;
    const guard = createGuard(config, start);
    play(guard, [[report(2, 5)]]);
    stepGuard(guard, { epoch: 2, thousandths: 25_000 });
    expect(evidenceOf(guard).comparativeEvidence).toBe(before);
  });
});

describe("somebody looks, at any rate, and does or does not act on it", () => {
  test("the evidence is the same however often it is looked at", () => {
    fc.assert(
      fc.property(counts, fc.array(fc.nat(slotMs - 1), { maxLength: 5 }), (list, looks) => {
        const quiet = createGuard(config, start);
        const watched = createGuard(config, start);
        for (const [slot, [candidate, control]] of list.entries()) {
          for (const guard of [quiet, watched]) ingest(guard, report(candidate, control));
          tickGuard(quiet, (slot + 1) * slotMs);
          tickGuard(watched, (slot + 1) * slotMs);
          for (const look of looks) tickGuard(watched, (slot + 1) * slotMs + look);
        }
        expect(evidenceOf(watched)).toEqual(evidenceOf(quiet));
      }),
      { numRuns: 50 },
    );
  });
});

describe("reports are repeated, late or out of order", () => {
  test("each counts once, whatever the order in which the batches of a slot come and come again", () => {
    fc.assert(
      fc.property(counts, fc.infiniteStream(fc.nat(1000)), (list, chances) => {
        const batches = list.map(([candidate, control], index) => ({
          reporter: `r${index % 3}`,
          sequence: Math.floor(index / 3),
          report: report(candidate, control),
        }));
        const delivered = [...batches, ...batches]
          .map((batch) => ({ batch, order: chances.next().value ?? 0 }))
          .toSorted((a, b) => a.order - b.order)
          .map(({ batch }) => batch);
        const log = createSequenceLog();
        const guard = createGuard(config, start);
        for (const batch of delivered) {
          if (acceptSequence(log, batch.reporter, batch.sequence)) ingest(guard, batch.report);
        }
        const inOrder = createGuard(config, start);
        play(inOrder, [batches.map((batch) => batch.report)]);
        tickGuard(guard, slotMs);
        expect(evidenceOf(guard)).toEqual(evidenceOf(inOrder));
      }),
      { numRuns: 50 },
    );
  });

  test("a late one goes to the block of the step that it names", () => {
    const late = createGuard(config, start);
    stepGuard(late, { epoch: 2, thousandths: 25_000 });
    play(late, [[report(2, 5)]]);
    const inTime = createGuard(config, start);
    play(inTime, [[report(2, 5)]]);
    expect(evidenceOf(late).requestEvidence).toBe(evidenceOf(inTime).requestEvidence);
  });
});

describe("the origin restarts", () => {
  test("with what it kept, evidence and sequences, it goes on as if nothing had been", () => {
    const guard = createGuard(config, start);
    play(guard, [[report(2, 5)], [report(1, 3)]]);
    ingest(guard, report(2, 1));
    const restored = restoreGuard(
      JSON.parse(JSON.stringify(serializeGuard(guard))) as ReturnType<typeof serializeGuard>,
    );
    for (const each of [guard, restored]) ingest(each, report(1, 0));
    tickGuard(guard, 3 * slotMs);
    // Another process, another clock.
    tickGuard(restored, 77_777_000);
    expect(tickGuard(restored, 77_777_000).evidence).toEqual(tickGuard(guard, 3 * slotMs).evidence);
  });

  test("without it, all its starts together may err as often as one", () => {
    for (const losses of [1, 2, 5]) {
      const starts = Array.from({ length: losses + 1 }, () => configAfterLosses(config, losses));
      expect(starts.reduce((sum, { alpha }) => sum + alpha, 0)).toBeCloseTo(config.alpha, 12);
    }
  });
});

describe("the same version is tried again", () => {
  test("its guard knows nothing of the first time", () => {
    const first = createGuard(config, start);
    play(first, [[report(30, 0)]]);
    expect(first.reverted).toBeDefined();
    expect(evidenceOf(createGuard(config, start)).comparativeEvidence).toBe(1);
  });
});

describe("somebody wants another tolerance while it runs", () => {
  test("a guard that was kept does not go on under another configuration", () => {
    const kept = serializeGuard(createGuard(config, start));
    const other = { ...config, promotion: { ...config.promotion, bounds: config.promotion.bounds.slice(1) } };
    expect(() => restoreGuard({ ...kept, config: { ...config, kinds: ["below-cost"] } })).toThrow(/does not fit/);
    expect(() => restoreGuard({ ...kept, config: other })).toThrow(/bounds/);
  });
});

describe("a reporter is under load", () => {
  test("a report that cannot be taken is left out whole, its successes with its failures", () => {
    const guard = createGuard(config, start);
    const before = structuredClone(serializeGuard(guard));
    const bad = { epoch: 1, candidate: arm(50, 3), control: { ...arm(950, 1), ok: -1 } };
    expect(() => ingest(guard, bad)).toThrow(expect.objectContaining({ code: "VALIDATION" }));
    expect(serializeGuard(guard)).toEqual(before);
  });
});

describe("many processes of one step report", () => {
  test("their counts of a slot are one block, as if one process had seen it all", () => {
    const one = createGuard(config, start);
    const many = createGuard(config, start);
    play(one, [[{ epoch: 1, candidate: arm(150, 3), control: arm(2850, 24) }]]);
    play(many, [[report(1, 9), report(0, 7), report(2, 8)]]);
    expect(evidenceOf(many)).toEqual(evidenceOf(one));
  });

  test("a user who fails in two of them is one unit, which failed when the first of them said so", () => {
    const guard = createGuard(config, start);
    const seen = { epoch: 1, candidate: arm(20, 1, [7]), control: arm(380) };
    ingest(guard, seen);
    const once = evidenceOf(guard).unitEvidence;
    ingest(guard, seen);
    expect([guard.unitsFailed, evidenceOf(guard).unitEvidence]).toEqual([1, once]);
  });
});

describe("the candidate has more than half of the users", () => {
  test("a failure of its says at most ln(1/share), so that the comparison is slow there", () => {
    for (const thousandths of [60_000, 90_000]) {
      const share = thousandths / 100_000;
      const guard = createGuard(config, { epoch: 1, thousandths });
      const before = evidenceOf(guard).comparativeEvidence;
      play(guard, [[{ epoch: 1, candidate: arm(thousandths / 100, 10), control: arm(1000 - thousandths / 100) }]]);
      const gained = Math.log(evidenceOf(guard).comparativeEvidence / before);
      expect(gained).toBeLessThanOrEqual(10 * Math.log(1 / share));
      expect(gained).toBeGreaterThan(0);
    }
  });
});
