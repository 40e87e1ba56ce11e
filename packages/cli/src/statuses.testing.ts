import type { Actor, GuardEvidence } from "@sluice/core";
import type {
  CandidateStatus,
  DatasetStatus,
  LineStatus,
  Receipt,
  ReleaseStatus,
  StatusAnswer,
} from "@sluice/core/api";

/** 2026-11-11 00:10:00 UTC, the instance's time in every status here. */
export const nowMs: number = Date.UTC(2026, 10, 11, 0, 10);

const second = 1_000;
const minute = 60 * second;
const person: Actor = { kind: "person", name: "li.wei" };
const source: Actor = { kind: "source", name: "main" };
const hash = "0".repeat(64);

const stable: LineStatus = {
  number: 3,
  publish: 3,
  items: 9_998,
  contentHash: hash,
  since: nowMs - 150 * minute,
  by: person,
};

const candidate: CandidateStatus = {
  ...stable,
  number: 4,
  publish: 4,
  items: 10_003,
  since: nowMs - 12 * minute,
  by: source,
  difference: {
    added: 6,
    removed: 1,
    changed: 412,
    unchanged: 9_585,
    examples: [{ key: "sku-1", before: { price: 1999 }, after: { price: 1899 } }],
  },
  quarantinedChanges: null,
};

const release: ReleaseStatus = {
  id: "prices-v4-x7k2mq",
  phase: "running",
  thousandths: 5_000,
  epoch: 2,
  since: nowMs - 2 * minute,
  by: { kind: "plan", name: "prices-v4-x7k2mq" },
  startedAt: nowMs - 12 * minute,
  startedBy: person,
  hold: null,
  guardOff: null,
  next: { thousandths: 25_000, at: nowMs + 8 * minute, promotion: null },
  candidateArm: { requests: 2_034, failures: 3 },
  controlArm: { requests: 38_412, failures: 57 },
  servedShare: 0.0497,
  comparison: "on",
  evidence: null,
  prepared: { count: 412, of: 412 },
};

const idle: DatasetStatus = {
  name: "prices",
  policy: "canary",
  stable,
  candidate: null,
  release: null,
  health: { ok: true, reasons: [] },
  revertCommand: null,
  lastRevert: null,
  restored: null,
  here: [],
  lastRefusal: null,
  quarantine: [],
  sources: [],
};

const running: DatasetStatus = { ...idle, candidate, release, revertCommand: "sluice revert prices" };

const tally = { candidateRequests: 2_034, candidateFailures: 31, controlRequests: 38_412, controlFailures: 57 };

/** What a guard saw of a candidate that fails more often than the control: over the hold line for a minute. */
export const suspicious: GuardEvidence = {
  ...tally,
  epoch: 2,
  thousandths: 5_000,
  comparison: "on",
  comparativeEvidence: 14.218,
  threshold: 166.67,
  unitEvidence: 12.1,
  requestEvidence: 16.336,
  kinds: [
    {
      kind: "below-cost",
      evidence: 16.3,
      candidateFailures: 31,
      controlFailures: 57,
      candidateDistinct: 30,
      controlDistinct: 50,
    },
  ],
  absoluteEvidence: [
    {
      mode: "confirmed",
      errorRateLimit: 0.05,
      windowMs: 30_000,
      requestsMin: 50,
      absoluteEvidence: 1,
      threshold: 500,
      window: { candidateRequests: 310, candidateFailures: 12, controlRequests: 5_900, controlFailures: 9 },
      suspended: false,
    },
  ],
  promotion: {
    bound: { fromThousandths: 5_000, worseRatio: 3, worseExtraRate: 0.005 },
    evidence: 0.04,
    threshold: 10,
    open: false,
    requestsNeeded: null,
    streams: [{ kind: null, evidence: 0.04 }],
  },
  failuresMinReached: true,
  lateReports: 2,
  crossings: [
    { at: nowMs - 2 * minute, stream: "requests", line: "hold", direction: "up" },
    { at: nowMs - minute, stream: "comparative", line: "hold", direction: "up" },
  ],
};

/** What a guard saw of a candidate that fails no more often, before there was enough of it. */
const early: GuardEvidence = {
  ...suspicious,
  candidateFailures: 3,
  comparativeEvidence: 0.41,
  unitEvidence: null,
  requestEvidence: 0.41,
  kinds: [],
  promotion: {
    ...suspicious.promotion,
    evidence: 2.2,
    requestsNeeded: 1_240,
    streams: [{ kind: null, evidence: 2.2 }],
  },
  failuresMinReached: false,
  lateReports: 0,
  crossings: [],
};

const waiting: ReleaseStatus = {
  ...release,
  evidence: early,
  next: {
    thousandths: 25_000,
    at: nowMs + 8 * minute,
    promotion: { until: nowMs + 68 * minute, otherwise: "hold" },
  },
};

/** A receipt of a revert that everybody but `missing` has confirmed. */
export function receiptOf(missing: readonly string[] = [], of = 412): Receipt {
  return {
    action: "revert",
    release: release.id,
    sequence: 31,
    durable: true,
    announcedAt: nowMs - 5 * minute,
    expected: of,
    confirmed: of - missing.length,
    p50Ms: 41,
    p99Ms: 380,
    lastMs: 402,
    missing,
    away: [],
    awayTotal: 0,
  };
}

/** The states that a person meets. */
export type StateName =
  | "empty"
  | "idle"
  | "patched"
  | "held"
  | "heldByQuarantine"
  | "running"
  | "byHand"
  | "heldByGuard"
  | "waiting"
  | "heldByPlan"
  | "heldByHand"
  | "heldByAlert"
  | "guardOff"
  | "hereMarked"
  | "restored"
  | "baking"
  | "reverted"
  | "refused"
  | "failingSource";

/** One dataset in each of them. */
export const datasets: Readonly<Record<StateName, DatasetStatus>> = {
  empty: { ...idle, name: "promotions", stable: null },
  idle,
  patched: { ...idle, name: "stock", policy: "immediate", stable: { ...stable, number: 86_412 } },
  held: { ...idle, candidate },
  heldByQuarantine: {
    ...idle,
    candidate: { ...candidate, publish: 5, quarantinedChanges: { count: 9_700, of: 10_000, publish: 4 } },
  },
  running,
  byHand: { ...running, release: { ...release, next: null, servedShare: null, prepared: { count: 3, of: 412 } } },
  heldByGuard: {
    ...running,
    health: { ok: false, reasons: ["held by guard comparative: the candidate fails more often (evidence 14.2)"] },
    release: {
      ...release,
      guardOff: null,
      next: null,
      candidateArm: { requests: 2_034, failures: 31 },
      hold: {
        cause: { reason: "the candidate fails more often (evidence 14.2)", evidence: null },
        by: { kind: "guard", name: "comparative" },
        at: nowMs - 40 * second,
      },
    },
  },
  waiting: { ...running, release: waiting },
  heldByPlan: {
    ...running,
    health: { ok: false, reasons: ["held by plan prices-v4-x7k2mq: the promotion test has not opened at 5 %"] },
    release: {
      ...waiting,
      next: null,
      hold: {
        cause: { reason: "the promotion test has not opened at 5 %", evidence: null },
        by: { kind: "plan", name: release.id },
        at: nowMs - 3 * minute,
      },
    },
  },
  heldByHand: {
    ...running,
    release: {
      ...release,
      thousandths: 20_000,
      by: person,
      next: null,
      hold: {
        cause: { reason: "the percentage was set by hand; resume lets the plan go on", evidence: null },
        by: person,
        at: nowMs - 2 * minute,
      },
    },
  },
  heldByAlert: {
    ...running,
    health: { ok: false, reasons: ["held by alert CheckoutSlow: alert CheckoutSlow is firing"] },
    release: {
      ...release,
      next: null,
      hold: {
        cause: { reason: "alert CheckoutSlow is firing", evidence: null },
        by: { kind: "alert", name: "CheckoutSlow 3f2a90b1c4d5e6f7" },
        at: nowMs - 40 * second,
      },
    },
  },
  guardOff: {
    ...running,
    health: {
      ok: false,
      reasons: ["the guard is OFF until 2026-11-11T00:16:00.000Z, by person li.wei: the payment provider is down"],
    },
    release: {
      ...release,
      next: null,
      guardOff: {
        by: person,
        at: nowMs - 4 * minute,
        until: nowMs + 6 * minute,
        reason: "the payment provider is down",
      },
    },
  },
  hereMarked: {
    ...running,
    here: [
      {
        host: "checkout@host-7",
        release: release.id,
        publish: 4,
        at: nowMs - 90 * second,
        by: person,
        reason: "the origin is gone",
        followers: 3,
      },
    ],
  },
  restored: {
    ...idle,
    restored: {
      number: 44,
      version: 41,
      mode: "reapply",
      dropped: { changes: 12, keys: 9 },
      reason: "v42 costs money",
      at: nowMs - 5 * minute,
      by: person,
      receipt: { ...receiptOf(["search@host-9"]), action: "restore" },
    },
  },
  baking: {
    ...running,
    release: {
      ...release,
      phase: "baking",
      thousandths: 100_000,
      since: nowMs - 90 * second,
      by: person,
      guardOff: null,
      next: { thousandths: 100_000, at: nowMs + 28.5 * minute, promotion: null },
      candidateArm: { requests: 41_000, failures: 58 },
      controlArm: { requests: 38_412, failures: 57 },
      comparison: "off, no control",
    },
  },
  reverted: {
    ...idle,
    lastRevert: {
      release: release.id,
      publish: 4,
      at: nowMs - 5 * minute,
      by: { kind: "guard", name: "comparative" },
      cause: { reason: "the candidate failed 31 of 402, the control 9 of 7,812", evidence: null },
      receipt: receiptOf(["checkout@host-7", "search@host-9"]),
    },
    quarantine: [
      {
        publish: 4,
        release: release.id,
        at: nowMs - 5 * minute,
        by: { kind: "guard", name: "comparative" },
        reason: "the candidate failed 31 of 402, the control 9 of 7,812",
        liftedKeys: 0,
      },
    ],
  },
  refused: {
    ...idle,
    lastRefusal: {
      at: nowMs - 3 * minute,
      number: 4,
      code: "CHECK_REFUSED",
      message: "812 of 9,998 changed items (8.12 %) change /price by too much, at most 1 % may",
    },
  },
  failingSource: {
    ...idle,
    health: { ok: false, reasons: ["source main is failing: connect ECONNREFUSED 10.0.0.7:9000"] },
    sources: [
      {
        id: "main",
        url: "http://merch.internal:9000/prices.ndjson",
        onNew: "release",
        intervalMs: 30_000,
        state: "failing",
        lastSuccessAt: nowMs - 10 * minute,
        message: "connect ECONNREFUSED 10.0.0.7:9000",
      },
      {
        id: "spare",
        url: "file:///srv/prices.ndjson",
        onNew: "hold",
        intervalMs: 30_000,
        state: "ok",
        lastSuccessAt: nowMs - 12 * second,
        message: null,
      },
    ],
  },
};

/** An origin's status with these datasets. */
export function statusOf(...list: readonly DatasetStatus[]): StatusAnswer {
  return {
    instance: "origin-1",
    role: "origin",
    log: "log-1",
    sequence: 31,
    at: nowMs,
    following: null,
    datasets: list,
    followers: { total: 412, list: [] },
  };
}
