/** How many assignment buckets there are; a unit is one of 0 to 99,999 and is a candidate where it is below the thousandths. */
export const unitCount = 100_000;

const wordBits = 32;

/** The units that have failed since the release began: 12.5 KB, bits are set once and never cleared. */
export type UnitSet = Uint32Array;

/** A set without units. */
export function createUnitSet(): UnitSet {
  return new Uint32Array(Math.ceil(unitCount / wordBits));
}

/** Puts a unit in and says whether it is new. */
export function addUnit(units: UnitSet, unit: number): boolean {
  const index = Math.floor(unit / wordBits);
  const word = units[index] ?? 0;
  const bit = (1 << (unit % wordBits)) >>> 0;
  if ((word & bit) !== 0) return false;
  units[index] = word | bit;
  return true;
}

/** Counts the members below a unit number. */
export function countUnitsBelow(units: UnitSet, below: number): number {
  const wholeWords = Math.floor(below / wordBits);
  let count = 0;
  for (let index = 0; index < wholeWords; index += 1) count += bitCount(units[index] ?? 0);
  const rest = below % wordBits;
  return count + bitCount((units[wholeWords] ?? 0) & (2 ** rest - 1));
}

function bitCount(word: number): number {
  let rest = word;
  let count = 0;
  while (rest !== 0) {
    rest &= rest - 1;
    count += 1;
  }
  return count;
}
