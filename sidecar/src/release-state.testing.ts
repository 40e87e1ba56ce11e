import { defaultPlan, type ReleaseState } from "@sluice/core";

/** A release of `prices` that runs at 5 % since the beginning of time, by anna, with its guard on. */
export function releaseStateOf(given: Partial<ReleaseState> = {}): ReleaseState {
  const by = { kind: "person", name: "anna" } as const;
  return {
    id: "r",
    dataset: "prices",
    salt: "salt",
    plan: defaultPlan,
    phase: "running",
    thousandths: 5_000,
    epoch: 1,
    stepSince: 0,
    setAt: 0,
    stepBy: by,
    hold: null,
    overruled: [],
    guardOff: null,
    startedAt: 0,
    startedBy: by,
    candidatePublish: 2,
    stablePublish: 1,
    ended: null,
    ...given,
  };
}
