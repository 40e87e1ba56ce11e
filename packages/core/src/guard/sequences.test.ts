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

test("a batch that was overtaken by one 31 ahead of it is known still", () => {
  const log = createSequenceLog();
  expect(acceptSequence(log, "a", 1)).toBe(true);
  expect(acceptSequence(log, "a", 32)).toBe(true);
  expect(acceptSequence(log, "a", 1)).toBe(false);
  expect(acceptSequence(log, "a", 2)).toBe(true);
});

test("past its limit the log forgets the reporter that has been silent longest", () => {
  const log = createSequenceLog({ reportersMax: 2 });
  acceptSequence(log, "a", 1);
  acceptSequence(log, "b", 1);
  acceptSequence(log, "a", 2);
  acceptSequence(log, "c", 1);
  expect([...log.reporters.keys()]).toEqual(["a", "c"]);
});

test("batches that come in order are counted, each of them and each once, however many they are", () => {
  const log = createSequenceLog();
  for (let sequence = 0; sequence < 200; sequence += 1) {
    expect(acceptSequence(log, "a", sequence)).toBe(true);
    expect(acceptSequence(log, "a", sequence)).toBe(false);
  }
  expect(log.reporters.get("a")?.highest).toBe(199);
});

test("a jump past everything that is remembered forgets it, and what was jumped over is still counted", () => {
  for (const jump of [34, 35, 66]) {
    const log = createSequenceLog();
    for (const sequence of [1, 2, jump, jump - 1, jump - 31]) {
      expect(acceptSequence(log, "a", sequence), `${sequence} of the jump to ${jump}`).toBe(true);
    }
    expect(acceptSequence(log, "a", jump - 32)).toBe(false);
  }
});

test("a sequence that is no whole number is refused, with the reporter that sent it", () => {
  const log = createSequenceLog();
  for (const sequence of [-1, 1.5, Number.NaN, Infinity]) {
    expect(() => acceptSequence(log, "a", sequence)).toThrow(
      expect.objectContaining({ code: "VALIDATION", details: { reporter: "a", sequence } }),
    );
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
