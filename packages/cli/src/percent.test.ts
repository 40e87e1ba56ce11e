import fc from "fast-check";
import { expect, test } from "vitest";
import { parsePercent } from "./percent.ts";

test("a percentage is read as thousandths, exactly", () => {
  const texts = ["2.007", "0", "100", "20", "5%", "5 %", " 0.001 ", "07", "2.5", "100.000", "4.35", "1.10"];
  expect(texts.map(parsePercent)).toEqual([
    2_007, 0, 100_000, 20_000, 5_000, 5_000, 1, 7_000, 2_500, 100_000, 4_350, 1_100,
  ]);
});

test("every thousandth that can be written is read back", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100_000 }), (thousandths) => {
      const whole = Math.trunc(thousandths / 1_000);
      const fraction = String(thousandths % 1_000).padStart(3, "0");
      expect(parsePercent(`${whole}.${fraction}`)).toBe(thousandths);
    }),
  );
});

test("what is finer than a step is refused, and the step is named", () => {
  for (const text of ["0.0005", "2.0071"]) expect(() => parsePercent(text)).toThrowError(/steps of 0\.001/);
});

test("what is above 100 is refused", () => {
  for (const text of ["101", "100.001", "1000", "99999999999999999999"]) {
    expect(() => parsePercent(text)).toThrowError(/at most 100/);
  }
});

test("what is no percentage is refused", () => {
  for (const text of ["", "five", "-1", "1e1", ".5", "5.", "1,5", "0x10", "5 5", "٥", "NaN"]) {
    expect(() => parsePercent(text)).toThrowError(/expected a percentage/);
  }
});
