import type { GuardEvidence } from "@sluice/core";
import type {
  CandidateStatus,
  DatasetStatus,
  FollowerStatus,
  LineStatus,
  Receipt,
  ReleaseStatus,
  RevertStatus,
  StatusAnswer,
} from "@sluice/core/api";

/** Midnight of a sale in Shanghai: the instance's time in these statuses. */
export const midnight: number = Date.parse("2026-11-11T00:00:30+08:00");

const minuteMs = 60_000;

/** A line of versions. */
export function line(over: Partial<LineStatus> = {}): LineStatus {
  return {
    number: 42,
    publish: 42,
    items: 10_000,
    contentHash: "9f2c".repeat(16),
    since: midnight - 19 * minuteMs,
    by: { kind: "person", name: "Lin Wei" },
    ...over,
  };
}

/** A version that waits or is released: 9,700 prices changed for the sale. */
export function candidate(over: Partial<CandidateStatus> = {}): CandidateStatus {
  return {
    ...line({
      number: 43,
      publish: 43,
      items: 10_117,
      since: midnight - 2 * minuteMs,
      by: { kind: "source", name: "merchandising" },
    }),
    difference: {
      added: 120,
      removed: 3,
      changed: 9_700,
      unchanged: 297,
      examples: [
        {
          key: "SKU-00017",
          before: { name: "保温杯 500 ml", price: 129, currency: "CNY" },
          after: { name: "保温杯 500 ml", price: 79, currency: "CNY" },
        },
        { key: "SKU-00018", before: { price: 4999, currency: "CNY" }, after: { price: 3999 } },
        { key: "SKU-10118", after: { name: "Travel kettle", price: 239, currency: "CNY" } },
        { key: "SKU-00903", before: { name: "Desk lamp", price: 89, currency: "CNY" } },
        { key: "SKU-00020", omitted: true },
      ],
    },
    quarantinedChanges: null,
    ...over,
  };
}

/** What a guard has seen. */
export function evidence(over: Partial<GuardEvidence> = {}): GuardEvidence {
  return {
    epoch: 1,
    thousandths: 5_000,
    candidateRequests: 1_204,
    candidateFailures: 1,
    controlRequests: 22_893,
    controlFailures: 12,
    comparison: "on",
    comparativeEvidence: 0.84,
    threshold: 166.7,
    unitEvidence: 0.8,
    requestEvidence: 0.9,
    kinds: [],
    absoluteEvidence: [
      {
        mode: "confirmed",
        errorRateLimit: 0.05,
        windowMs: 30_000,
        requestsMin: 50,
        absoluteEvidence: 0.4,
        threshold: 500,
        window: { candidateRequests: 310, candidateFailures: 1, controlRequests: 5_900, controlFailures: 3 },
        suspended: false,
      },
    ],
    promotion: {
      bound: { fromThousandths: 5_000, worseRatio: 3, worseExtraRate: 0.005 },
      evidence: 2.2,
      threshold: 10,
      open: false,
      requestsNeeded: 1_240,
      streams: [{ kind: null, evidence: 2.2 }],
    },
    failuresMinReached: false,
    lateReports: 0,
    crossings: [],
    ...over,
  };
}

/** A release that runs at 5 % and goes on to 25 % in three minutes. */
export function release(over: Partial<ReleaseStatus> = {}): ReleaseStatus {
  const seen = over.evidence === undefined ? evidence() : over.evidence;
  return {
    id: "prices-43",
    phase: "running",
    thousandths: 5_000,
    epoch: 1,
    since: midnight - 2 * minuteMs,
    by: { kind: "plan", name: "prices-43" },
    startedAt: midnight - 4 * minuteMs,
    startedBy: { kind: "person", name: "Lin Wei" },
    hold: null,
    guardOff: null,
    next: { thousandths: 25_000, at: midnight + 3 * minuteMs + 21_000, promotion: null },
    candidateArm: { requests: seen?.candidateRequests ?? 0, failures: seen?.candidateFailures ?? 0 },
    controlArm: { requests: seen?.controlRequests ?? 0, failures: seen?.controlFailures ?? 0 },
    servedShare: 0.0498,
    comparison: seen?.comparison ?? "on",
    evidence: seen,
    prepared: { count: 412, of: 412 },
    ...over,
  };
}

/** A receipt on which everybody has confirmed. */
export function receipt(over: Partial<Receipt> = {}): Receipt {
  return {
    action: "revert",
    release: "prices-43",
    sequence: 512,
    durable: true,
    announcedAt: midnight,
    expected: 412,
    confirmed: 412,
    p50Ms: 41,
    p99Ms: 290,
    lastMs: 380,
    missing: [],
    away: [],
    awayTotal: 0,
    ...over,
  };
}

/** What was taken back by the guard a little ago. */
export function revert(over: Partial<RevertStatus> = {}): RevertStatus {
  return {
    release: "prices-41",
    publish: 41,
    at: midnight - 12_000,
    by: { kind: "guard", name: "comparative" },
    cause: {
      reason: "candidate failures 37 of 1,204 against 12 of 22,893",
      evidence: evidence({ candidateFailures: 37, comparativeEvidence: 214, failuresMinReached: true }),
    },
    receipt: receipt({ release: "prices-41" }),
    ...over,
  };
}

/** A dataset with a version out and nothing else. */
export function dataset(name: string, over: Partial<DatasetStatus> = {}): DatasetStatus {
  return {
    name,
    policy: "canary",
    stable: line(),
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
    ...over,
  };
}

/** A dataset whose v43 runs at 5 %. */
export function running(name = "prices", over: Partial<ReleaseStatus> = {}): DatasetStatus {
  return dataset(name, {
    candidate: candidate(),
    release: release({ id: `${name}-43`, ...over }),
    revertCommand: `sluice revert ${name}`,
  });
}

/** The same dataset after the revert. */
export function reverted(name = "prices", over: Partial<RevertStatus> = {}): DatasetStatus {
  const by = { kind: "person", name: "Zhao Min" } as const;
  return dataset(name, {
    lastRevert: revert({
      release: `${name}-43`,
      publish: 43,
      at: midnight,
      by,
      cause: { reason: "checkout is failing", evidence: null },
      receipt: receipt({ release: `${name}-43` }),
      ...over,
    }),
    quarantine: [
      { publish: 43, release: `${name}-43`, at: midnight, by, reason: "checkout is failing", liftedKeys: 0 },
    ],
  });
}

/** Followers by the dozen, some behind a sidecar. */
export function followers(total: number, named: number = Math.min(total, 100)): StatusAnswer["followers"] {
  const list = Array.from({ length: named }, (_, index): FollowerStatus => {
    const sidecar = index % 12 === 0;
    return {
      id: `follower-${index}`,
      name: sidecar ? `host-${index / 12}` : `checkout@host-${Math.floor(index / 12)}`,
      kind: sidecar ? "sidecar" : "sdk",
      via: sidecar ? null : `host-${Math.floor(index / 12)}`,
      applied: index === 5 ? 509 : 512,
    };
  });
  return { total, list };
}

/** One look at an origin. */
export function status(datasets: readonly DatasetStatus[], over: Partial<StatusAnswer> = {}): StatusAnswer {
  return {
    instance: "origin-1",
    role: "origin",
    log: "01JC8Q6W3N",
    sequence: 51_204,
    at: midnight,
    following: null,
    datasets: [...datasets],
    followers: followers(412),
    ...over,
  };
}

/** A dataset for every situation that the page has something to say about. */
export function situations(): DatasetStatus[] {
  return [
    dataset("banners", {
      candidate: candidate({ quarantinedChanges: { count: 9_700, of: 9_823, publish: 41 } }),
      lastRevert: revert({ release: "banners-41" }),
      quarantine: [
        {
          publish: 41,
          release: "banners-41",
          at: midnight - 12_000,
          by: { kind: "guard", name: "comparative" },
          reason: "candidate failures 37 of 1,204 against 12 of 22,893",
          liftedKeys: 2,
        },
      ],
    }),
    dataset("delivery", { stable: null }),
    dataset("flags", {
      candidate: candidate(),
      release: release({
        id: "flags-43",
        phase: "baking",
        thousandths: 100_000,
        guardOff: null,
        next: { thousandths: 100_000, at: midnight + 28 * minuteMs + 3_000, promotion: null },
        servedShare: 0.9991,
        comparison: "off, no control",
        evidence: evidence({
          comparison: "off, no control",
          thousandths: 100_000,
          candidateRequests: 204_113,
          candidateFailures: 98,
        }),
        prepared: { count: 410, of: 412 },
      }),
      revertCommand: "sluice revert flags",
    }),
    running(),
    {
      ...running("promotions", {
        thousandths: 25_000,
        guardOff: null,
        next: null,
        hold: {
          cause: { reason: "the candidate looks worse, not surely enough to revert: evidence 34.1", evidence: null },
          by: { kind: "guard", name: "comparative" },
          at: midnight - 8_000,
        },
        servedShare: 0.2503,
        evidence: evidence({
          thousandths: 25_000,
          candidateRequests: 8_113,
          candidateFailures: 41,
          controlRequests: 24_380,
          controlFailures: 36,
          comparativeEvidence: 34.1,
          failuresMinReached: true,
          kinds: [
            {
              kind: "below-cost",
              evidence: 41,
              candidateFailures: 29,
              controlFailures: 0,
              candidateDistinct: 21,
              controlDistinct: 0,
            },
          ],
        }),
      }),
      health: {
        ok: false,
        reasons: [
          "the candidate fails more often than the control (evidence 34.1)",
          "held by guard comparative: the candidate looks worse, not surely enough to revert: evidence 34.1",
        ],
      },
    },
    dataset("shipping", {
      health: { ok: false, reasons: ["source main is failing: HTTP 502 after 3 tries"] },
      lastRefusal: {
        at: midnight - 3 * minuteMs,
        number: 44,
        code: "CHECK_REFUSED",
        message: "312 of 10,000 prices fell by more than 50 % (price-drop); first: SKU-00031 at /price",
      },
      sources: [
        {
          id: "main",
          url: "https://erp.example/shipping.ndjson",
          onNew: "release",
          intervalMs: 30_000,
          state: "failing",
          lastSuccessAt: midnight - 6 * minuteMs,
          message: "HTTP 502 after 3 tries",
        },
        {
          id: "warehouse",
          url: "file:///srv/feeds/shipping.ndjson",
          onNew: "hold",
          intervalMs: 5_000,
          state: "ok",
          lastSuccessAt: midnight - 4_000,
          message: null,
        },
      ],
      lastRevert: revert({
        release: "shipping-40",
        publish: 40,
        at: midnight - 47 * minuteMs,
        by: { kind: "alert", name: "CheckoutErrors" },
        cause: { reason: "alert CheckoutErrors is firing", evidence: null },
        receipt: receipt({ release: "shipping-40", confirmed: 410, missing: ["checkout@host-7", "search@host-9"] }),
      }),
    }),
    dataset("stock", {
      policy: "immediate",
      stable: line({ number: 51_180, publish: 1, items: 10_000, since: midnight - 300 * minuteMs }),
    }),
  ];
}
