import fc from "fast-check";
import { expect, test } from "vitest";
import { type Block, blockScore, closeBlock, createComparison } from "./comparative.ts";
import { evidenceOf } from "./evidence.ts";

const multiples = [1.2, 1.5, 2, 3, 5, 10, 30, 100, 1000];
// Room for rounding only: the law is "at most 1".
const slack = 1e-9;

/** The chance of each number of failures among some requests. */
function binomial(requests: number, rate: number): number[] {
  let chances = [1];
  for (let request = 0; request < requests; request += 1) {
    chances = [...chances, 0].map((chance, index) => chance * (1 - rate) + (chances[index - 1] ?? 0) * rate);
  }
  return chances;
}

/** Every outcome of a block with its chance. */
function outcomes(candidateRequests: number, candidateRate: number, controlRequests: number, controlRate: number) {
  const control = binomial(controlRequests, controlRate);
  return binomial(candidateRequests, candidateRate).flatMap((candidateChance, candidateFailures) =>
    control.map((controlChance, controlFailures) => ({
      block: { candidateRequests, candidateFailures, controlRequests, controlFailures } satisfies Block,
      chance: candidateChance * controlChance,
    })),
  );
}

const world = fc.record({
  candidateRequests: fc.integer({ min: 1, max: 12 }),
  controlRequests: fc.integer({ min: 1, max: 12 }),
  controlRate: fc.double({ min: 0, max: 1, noNaN: true }),
  toleratedRatio: fc.double({ min: 1, max: 4, noNaN: true }),
  toleratedExtraRate: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.2, noNaN: true })),
  // How much of what is tolerated the candidate really uses.
  used: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
});

test("a block's e-value is expected to be at most 1 while the candidate is no worse than tolerated", () => {
  fc.assert(
    fc.property(world, fc.constantFrom(...multiples), (drawn, multiple) => {
      const { candidateRequests, controlRequests, controlRate, toleratedRatio, toleratedExtraRate, used } = drawn;
      const candidateRate = used * Math.min(1, toleratedRatio * controlRate + toleratedExtraRate);
      const toleratedFailures = toleratedExtraRate * candidateRequests;
      let expectation = 0;
      for (const { block, chance } of outcomes(candidateRequests, candidateRate, controlRequests, controlRate)) {
        expectation += chance * Math.exp(blockScore(multiple, toleratedRatio, toleratedFailures, block));
      }
      expect(expectation).toBeLessThanOrEqual(1 + slack);
    }),
    { numRuns: 2000 },
  );
});

test("a stream's evidence is expected to be at most 1 over blocks whose rates change in between", () => {
  const small = fc.record({
    candidateRequests: fc.integer({ min: 1, max: 3 }),
    controlRequests: fc.integer({ min: 1, max: 4 }),
    controlRate: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(small, small, fc.constantFrom(1, 1.25, 2), fc.constantFrom(0, 0.05), (first, second, ratio, extra) => {
      const tolerance = { toleratedRatio: ratio, toleratedExtraRate: extra };
      const [firstOutcomes, secondOutcomes] = [first, second].map((drawn) => {
        const rate = Math.min(1, ratio * drawn.controlRate + extra);
        return outcomes(drawn.candidateRequests, rate, drawn.controlRequests, drawn.controlRate);
      });
      let expectation = 0;
      for (const one of firstOutcomes ?? []) {
        for (const two of secondOutcomes ?? []) {
          const stream = createComparison();
          closeBlock(stream, tolerance, one.block);
          closeBlock(stream, tolerance, two.block);
          expectation += one.chance * two.chance * evidenceOf(stream.logEvidence);
        }
      }
      expect(expectation).toBeLessThanOrEqual(1 + slack);
    }),
    { numRuns: 150 },
  );
});

test("a candidate that is truly worse is expected to gain evidence", () => {
  let expectation = 0;
  for (const { block, chance } of outcomes(10, 0.5, 10, 0.1)) expectation += chance * blockScore(3, 1.25, 0, block);
  expect(expectation).toBeGreaterThan(0.5);
});

test("a block without requests in one arm, or without failures, leaves the evidence alone", () => {
  const tolerance = { toleratedRatio: 1.25, toleratedExtraRate: 0 };
  const stream = createComparison();
  const empty = { candidateRequests: 0, candidateFailures: 0, controlRequests: 0, controlFailures: 0 };
  closeBlock(stream, tolerance, { ...empty, candidateRequests: 50, candidateFailures: 50 });
  closeBlock(stream, tolerance, { ...empty, controlRequests: 50, controlFailures: 50 });
  closeBlock(stream, tolerance, { ...empty, candidateRequests: 50, controlRequests: 5000 });
  expect(stream).toEqual(createComparison());
});
