import fc from "fast-check";
import { expect, test } from "vitest";
import { createStream, evidenceOf, logAddExp, logSumExp, scoreBlock, stepStream } from "./evidence.ts";

const grid = [
  { multiple: 2, weight: 0.5 },
  { multiple: 10, weight: 0.5 },
];

test("sums of exponentials agree with plain arithmetic where that does not overflow", () => {
  const exponent = fc.oneof(fc.double({ min: -30, max: 30, noNaN: true }), fc.constant(-Infinity));
  fc.assert(
    fc.property(exponent, exponent, exponent, (a, b, c) => {
      expect(logAddExp(a, b)).toBeCloseTo(Math.log(Math.exp(a) + Math.exp(b)), 9);
      expect(logSumExp([a, b, c])).toBeCloseTo(Math.log(Math.exp(a) + Math.exp(b) + Math.exp(c)), 9);
      expect(logAddExp(logAddExp(a, b), c)).toBeCloseTo(logSumExp([a, b, c]), 9);
    }),
  );
});

test("a sum of nothing is minus infinity, and large terms do not overflow", () => {
  expect(logAddExp(-Infinity, -Infinity)).toBe(-Infinity);
  expect(logSumExp([])).toBe(-Infinity);
  expect(logSumExp([-Infinity])).toBe(-Infinity);
  expect(logAddExp(5000, 5000)).toBeCloseTo(5000 + Math.LN2, 9);
});

test("evidence stays a finite number however strong it is", () => {
  expect(evidenceOf(0)).toBe(1);
  expect(evidenceOf(10_000)).toBe(evidenceOf(700));
  expect(Number.isFinite(9 * evidenceOf(10_000))).toBe(true);
});

test("a bet that scores nothing costs nothing", () => {
  const stream = createStream(grid);
  for (let block = 0; block < 1000; block += 1) scoreBlock(stream, true, () => 0);
  expect(stream.logEvidence).toBeCloseTo(0, 9);
});

test("half of the cash is staked first, a thin share later, and a quarter after a step", () => {
  const stream = createStream(grid);
  stepStream(stream);
  expect(stream.nextStakedShare).toBe(0.5);
  scoreBlock(stream, true, () => 0);
  expect(Math.exp(stream.logCash)).toBeCloseTo(0.5, 12);
  scoreBlock(stream, true, () => 0);
  expect(Math.exp(stream.logCash)).toBeCloseTo(0.5 * (1 - 1 / 201), 12);
  stepStream(stream);
  scoreBlock(stream, true, () => 0);
  expect(Math.exp(stream.logCash)).toBeCloseTo(0.5 * (1 - 1 / 201) * 0.75, 12);
});

test("a block that carries no information stakes nothing new", () => {
  const stream = createStream(grid);
  scoreBlock(stream, true, () => 0);
  const { logCash } = stream;
  scoreBlock(stream, false, () => -1);
  expect(stream.logCash).toBe(logCash);
  expect(stream.informativeBlocks).toBe(1);
  expect(Math.exp(stream.logEvidence)).toBeCloseTo(0.5 + 0.5 * Math.exp(-1), 12);
});
