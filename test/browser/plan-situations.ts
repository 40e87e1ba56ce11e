import type { EvidencePoint } from "@sluice/core";
import type { DatasetStatus, ReleaseStatus } from "@sluice/core/api";
import { midnight, running } from "./situations.ts";

const minuteMs = 60_000;

/** What a guard has seen since the start of a release four minutes ago: calm at 1 %, and at 5 % as `to` says. */
export function history(to: { readonly against: number; readonly inFavour: number }): EvidencePoint[] {
  return Array.from({ length: 60 }, (_, index): EvidencePoint => {
    const after = Math.max(0, index - 29) / 30;
    const wave = Math.sin(index / 3) * 0.15;
    return {
      at: midnight - 4 * minuteMs + index * 4_000,
      thousandths: index < 30 ? 1_000 : 5_000,
      candidateRequests: index * 20,
      candidateFailures: 0,
      controlRequests: index * 380,
      controlFailures: 0,
      logComparative: wave + after * Math.log(to.against),
      logUnits: null,
      logRequests: wave + after * Math.log(to.against),
      logPromotion: index < 30 ? index * 0.08 : after * Math.log(to.inFavour),
    };
  });
}

/** A dataset whose v43 runs at 5 % with its guard off for five minutes and a half more. */
export function unguarded(name = "prices"): DatasetStatus {
  const reason = "the payment provider is down, both arms fail alike";
  const by = { kind: "person", name: "Lin Wei" } as const;
  return {
    ...running(name, {
      next: null,
      guardOff: { by, at: midnight - 4.5 * minuteMs, until: midnight + 5.5 * minuteMs, reason },
    }),
    health: { ok: false, reasons: [`the guard is OFF until 2026-11-10T16:06:00.000Z, by person Lin Wei: ${reason}`] },
  };
}

/** The next step of a plan that waits for the promotion test: in three minutes, and for an hour after that at the longest. */
export const waitingNext: ReleaseStatus["next"] = {
  thousandths: 25_000,
  at: midnight + 3 * minuteMs + 21_000,
  promotion: { until: midnight + 63 * minuteMs + 21_000, otherwise: "hold" },
};
