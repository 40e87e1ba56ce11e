import { binomial, type Random } from "./random.ts";
import { createWatch, type RunResult, tickMs, unitCount, type WatchOptions } from "./watch.ts";

/** Failure rates, fractions. */
export interface Rates {
  readonly candidate: number;
  readonly control: number;
}

/** Independent requests of ever new users, a report every tick: everything that the guard assumes is true. */
export interface TickTraffic {
  readonly ticks: number;
  readonly requestsPerTick: number;
  thousandthsAt(tick: number): number;
  ratesAt(tick: number): Rates;
  /** The tick from which costs are counted. Default 0. */
  readonly faultTick?: number;
}

/** What a world needs besides its traffic. */
export type WorldOptions = Omit<WatchOptions, "start">;

const none = { failures: {}, units: [] };

/** Plays a release until everybody has reverted, or to the end. */
export function playTicks(traffic: TickTraffic, options: WorldOptions, random: Random): RunResult {
  const { ticks, requestsPerTick, faultTick = 0 } = traffic;
  let epoch = 1;
  let thousandths = traffic.thousandthsAt(0);
  const watch = createWatch({ ...options, start: { epoch, thousandths } });

  const armOf = (requests: number, rate: number, unitMin: number, unitEnd: number) => {
    const failed = binomial(random, requests, rate);
    if (failed === 0) return { ok: requests, ...none };
    const units = Array.from({ length: failed }, () => unitMin + Math.floor(random() * (unitEnd - unitMin)));
    return { ok: requests - failed, failures: { error: { count: failed, distinct: failed } }, units };
  };

  for (let tick = 0; tick < ticks && !watch.isOver(); tick += 1) {
    if (traffic.thousandthsAt(tick) !== thousandths) {
      thousandths = traffic.thousandthsAt(tick);
      epoch += 1;
      watch.step({ epoch, thousandths });
    }
    if (tick === faultTick && tick > 0) watch.faultBegins(tick * tickMs);
    const rates = traffic.ratesAt(tick);
    const candidates = binomial(random, requestsPerTick, thousandths / unitCount);
    const candidate = armOf(candidates, rates.candidate, 0, thousandths);
    const control = armOf(requestsPerTick - candidates, rates.control, thousandths, unitCount);
    const nowMs = (tick + 1) * tickMs;
    watch.report({ epoch, candidate, control }, nowMs);
    watch.tick(nowMs);
  }
  return watch.result();
}
