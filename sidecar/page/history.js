/** @import { ArmStatus } from "@sluice/core/api" */

/** How much of the past a chart shows, in milliseconds. */
export const chartSpanMs = 120_000;

/** The chart's grain, in milliseconds. */
export const sampleMs = 2_000;

/** Over how long a rate is taken, in samples: a single one holds too few requests to be a rate. */
const windowSamples = 5;

const samplesMax = chartSpanMs / sampleMs + windowSamples;

/**
 * @typedef {object} Sample both arms' counts since the release began, as they stood at the end of a grain
 * @property {number} slot
 * @property {ArmStatus} candidate
 * @property {ArmStatus} control
 */

/**
 * @typedef {object} RatePoint failure rates over the ten seconds before a moment, 0 to 1; null where an arm had no requests
 * @property {number} x where the moment lies in the chart, 0 its oldest end, 1 now
 * @property {number | null} candidate
 * @property {number | null} control
 */

/**
 * Remembers one release's counts, which only grow, and makes of them the rates of the last two minutes.
 * A status says what happened since the release began; what happens now is the difference between two of them.
 */
export function createHistory() {
  let release = "";
  /** @type {Sample[]} */
  let samples = [];

  return {
    /**
     * Takes the counts of a moment. Another release, or counts that shrink (the origin lost some in a restart), begins anew.
     * @type {(id: string, atMs: number, candidate: ArmStatus, control: ArmStatus) => void}
     */
    add(id, atMs, candidate, control) {
      const slot = Math.floor(atMs / sampleMs);
      const last = samples.at(-1);
      const shrank =
        last !== undefined &&
        (candidate.requests < last.candidate.requests || control.requests < last.control.requests);
      if (id !== release || shrank || (last !== undefined && slot < last.slot)) {
        release = id;
        samples = [];
      }
      if (samples.at(-1)?.slot === slot) samples.pop();
      samples.push({ slot, candidate, control });
      if (samples.length > samplesMax) samples.splice(0, samples.length - samplesMax);
    },

    /**
     * The rates of the last two minutes, oldest first.
     * @type {(nowMs: number) => RatePoint[]}
     */
    rates(nowMs) {
      const end = Math.floor(nowMs / sampleMs);
      const width = chartSpanMs / sampleMs;
      /** @type {RatePoint[]} */
      const points = [];
      let from = 0;
      for (const sample of samples) {
        while (/** @type {Sample} */ (samples[from]).slot < sample.slot - windowSamples) from += 1;
        const before = /** @type {Sample} */ (samples[from]);
        const x = 1 - (end - sample.slot) / width;
        if (before === sample || x < 0) continue;
        points.push({
          x,
          candidate: rateBetween(before.candidate, sample.candidate),
          control: rateBetween(before.control, sample.control),
        });
      }
      return points;
    },
  };
}

/**
 * @param {ArmStatus} before
 * @param {ArmStatus} after
 */
function rateBetween(before, after) {
  const requests = after.requests - before.requests;
  return requests <= 0 ? null : Math.max(0, after.failures - before.failures) / requests;
}

/**
 * The top of a chart's scale: the first of 1, 2, 5, 10, 20, 50 and 100 percent that holds every rate.
 * @param {readonly RatePoint[]} points
 */
export function chartTop(points) {
  const highest = points.reduce((top, { candidate, control }) => Math.max(top, candidate ?? 0, control ?? 0), 0);
  return [0.01, 0.02, 0.05, 0.1, 0.2, 0.5].find((top) => highest <= top) ?? 1;
}
