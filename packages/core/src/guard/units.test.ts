import fc from "fast-check";
import { expect, test } from "vitest";
import { addUnit, countUnitsBelow, createUnitSet, unitCount } from "./units.ts";

test("a unit set takes 12.5 KB", () => {
  expect(createUnitSet().byteLength).toBe(12_500);
});

test("a unit set counts like a set, at every boundary of its words", () => {
  const unit = fc.oneof(
    fc.integer({ min: 0, max: unitCount - 1 }),
    fc.integer({ min: 0, max: 200 }),
    fc.constantFrom(0, 31, 32, 63, 64, 99_968, unitCount - 1),
  );
  const below = fc.oneof(fc.integer({ min: 0, max: unitCount }), fc.constantFrom(0, 1, 31, 32, 33, 64, unitCount));
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 100 }), fc.array(below, { minLength: 1, maxLength: 5 }), (units, ends) => {
      const set = createUnitSet();
      const model = new Set<number>();
      for (const one of units) {
        expect(addUnit(set, one)).toBe(!model.has(one));
        model.add(one);
      }
      for (const end of ends) {
        expect(countUnitsBelow(set, end)).toBe([...model].filter((one) => one < end).length);
      }
    }),
    { numRuns: 500 },
  );
});
