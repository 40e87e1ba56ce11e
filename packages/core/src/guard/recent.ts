import { slotMs } from "./config.ts";

/** A unit that failed counts as distinct again after so long without a failure: what reporters keep to, in slots. */
const distinctSlots = 60_000 / slotMs;

/** The slot of each unit's last failure within the last 60 s, the longest ago first. */
export type RecentUnits = Map<number, number>;

/** Its JSON form: units by slot. */
export type StoredRecentUnits = readonly (readonly [slot: number, units: readonly number[]])[];

/**
 * Takes the units that failed in one arm of a report and says how many of them had no failure in the last 60 s, in whatever
 * process. A reporter knows its own process alone: the retries of a user whose requests go to many processes are distinct in each
 * of them, and are one and the same failure all the same.
 */
export function countFresh(recent: RecentUnits, units: readonly number[], slot: number): number {
  let fresh = 0;
  for (const unit of units) {
    const last = recent.get(unit);
    if (last === undefined || slot - last >= distinctSlots) fresh += 1;
    // Behind all others, so that the oldest stay in front.
    recent.delete(unit);
    recent.set(unit, slot);
  }
  for (const [unit, last] of recent) {
    if (slot - last < distinctSlots) break;
    recent.delete(unit);
  }
  return fresh;
}

/** The units by slot: in an outage there are ten thousands of them, and they are kept each second. */
export function storeRecent(recent: RecentUnits): StoredRecentUnits {
  const slots: [slot: number, units: number[]][] = [];
  for (const [unit, slot] of recent) {
    const last = slots.at(-1);
    if (last?.[0] === slot) last[1].push(unit);
    else slots.push([slot, [unit]]);
  }
  return slots;
}

/** The units that were stored. */
export function restoreRecent(stored: StoredRecentUnits): RecentUnits {
  return new Map(stored.flatMap(([slot, units]) => units.map((unit): [number, number] => [unit, slot])));
}
