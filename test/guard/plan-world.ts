import { advanceGuard, createGuard, ingest, isPromotionOpen, stepGuard } from "@sluice/core";
import { binomial, type Random } from "./random.ts";
import type { Rates } from "./tick-world.ts";
import { type Fired, type GuardSetting, type RunResult, tickMs, unitCount } from "./watch.ts";

/** A plan that goes on as soon as the promotion test opens. */
export interface PlanTraffic {
  /** Thousandths of a percent, one after the other. */
  readonly steps: readonly number[];
  readonly requestsPerTick: number;
  readonly ticks: number;
  readonly ratesAt: (tick: number, thousandths: number) => Rates;
}

/**
 * Plays a release by its plan until it has passed the last step (`promoted`), is reverted (`guard`), or to the end. Costs are
 * candidate requests since the start.
 */
export function playPlan(traffic: PlanTraffic, { config }: GuardSetting, random: Random): RunResult {
  const { steps, requestsPerTick, ticks, ratesAt } = traffic;
  let epoch = 1;
  let thousandths = steps[0] ?? 0;
  const state = createGuard(config, { epoch, thousandths });
  const sum = { requests: 0, failures: 0 };
  const result: Record<string, Fired | null> = { promoted: null, guard: null };

  const armOf = (requests: number, rate: number, unitMin: number, unitEnd: number) => {
    const failed = binomial(random, requests, rate);
    const units = Array.from({ length: failed }, () => unitMin + Math.floor(random() * (unitEnd - unitMin)));
    return { ok: requests - failed, failures: { error: { count: failed, distinct: failed } }, units };
  };

  for (let tick = 0; tick < ticks; tick += 1) {
    const rates = ratesAt(tick, thousandths);
    const candidates = binomial(random, requestsPerTick, thousandths / unitCount);
    const candidate = armOf(candidates, rates.candidate, 0, thousandths);
    const control = armOf(requestsPerTick - candidates, rates.control, thousandths, unitCount);
    sum.requests += candidates;
    sum.failures += candidate.units.length;
    ingest(state, { epoch, candidate, control });
    const nowMs = (tick + 1) * tickMs;
    advanceGuard(state, nowMs);
    const now: Fired = { ...sum, ms: nowMs, early: false };
    if (state.reverted !== undefined) {
      result["guard"] = now;
      break;
    }
    if (!isPromotionOpen(state)) continue;
    const next = steps[epoch];
    if (next === undefined) {
      result["promoted"] = now;
      break;
    }
    epoch += 1;
    thousandths = next;
    stepGuard(state, { epoch, thousandths });
  }
  return result;
}
