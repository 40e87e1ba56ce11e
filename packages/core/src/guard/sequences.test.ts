import fc from "fast-check";
import { expect, test } from "vitest";
import { acceptSequence, createSequenceLog, restoreSequenceLog, serializeSequenceLog } from "./sequences.ts";

test("each batch counts once, however often it is sent and whatever overtakes it by less than 32", () => {
  // Sequences near each other in any order with repeats, all within one window of the highest.
  const sequences = fc.array(fc.integer({ min: 1, max: 32 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(sequences, fc.nat(1000), (drawn, offset) => {
      const log = createSequenceLog();
      const accepted = drawn.filter((sequence) => acceptSequence(log, "a", sequence + offset));
      expect(accepted.toSorted((a, b) => a - b)).toEqual([...new Set(drawn)].toSorted((a, b) => a - b));
    }),
    { numRuns: 1000 },
  );
});

test("no order of any batches counts one of them twice", () => {
  const sequences = fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 300 });
  fc.assert(
    fc.property(sequences, (drawn) => {
      const log = createSequenceLog();
      const accepted = drawn.filter((sequence) => acceptSequence(log, "a", sequence));
      expect(new Set(accepted).size).toBe(accepted.length);
    }),
  );
});

test("a batch that is far behind is taken for a repeat, and a jump ahead is not", () => {
  const log = createSequenceLog();
  expect(acceptSequence(log, "a", 1000)).toBe(true);
  expect(acceptSequence(log, "a", 969)).toBe(true);
  expect(acceptSequence(log, "a", 968)).toBe(false);
  expect(acceptSequence(log, "a", 1_000_000)).toBe(true);
  expect(acceptSequence(log, "a", 1000)).toBe(false);
  expect(acceptSequence(log, "b", 1000)).toBe(true);
});

test("past its limit the log forgets the reporter that has been silent longest", () => {
  const log = createSequenceLog({ reportersMax: 2 });
  acceptSequence(log, "a", 1);
  acceptSequence(log, "b", 1);
  acceptSequence(log, "a", 2);
  acceptSequence(log, "c", 1);
  expect([...log.reporters.keys()]).toEqual(["a", "c"]);
});

test("a sequence that is no whole number is refused", () => {
  const log = createSequenceLog();
  for (const sequence of [-1, 1.5, Number.NaN, Infinity]) {
    expect(() => acceptSequence(log, "a", sequence)).toThrow(/whole number/);
  }
});

test("a stored log goes on where it was", () => {
  const log = createSequenceLog({ reportersMax: 7 });
  for (const sequence of [3, 1, 40, 35]) acceptSequence(log, "a", sequence);
  acceptSequence(log, "b", 0);
  const restored = restoreSequenceLog(JSON.parse(JSON.stringify(serializeSequenceLog(log))));
  expect(restored).toEqual(log);
  expect(acceptSequence(restored, "a", 35)).toBe(false);
  expect(acceptSequence(restored, "a", 36)).toBe(true);
});
