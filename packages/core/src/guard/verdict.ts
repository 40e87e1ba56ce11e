import type { AbsoluteEvidence, Tally } from "./absolute.ts";
import type { PromotionBound } from "./config.ts";

/** A percentage step: its number and the candidate's share, 0 to 100,000 thousandths of a percent. */
export interface GuardStep {
  readonly epoch: number;
  readonly thousandths: number;
}

/** What is shown of one kind of failure. `distinct` counts a targeting key once a minute, and is what is compared. */
export interface KindEvidence {
  readonly kind: string;
  readonly evidence: number;
  readonly candidateFailures: number;
  readonly controlFailures: number;
  readonly candidateDistinct: number;
  readonly controlDistinct: number;
}

/** What the promotion test says of the bound that is in force at the current percentage. */
export interface PromotionEvidence {
  readonly bound: PromotionBound;
  /** The E value against "at least as bad as the bound": the smallest of the streams'. Starts at 1, the higher the better. */
  readonly evidence: number;
  /** What it has to reach. */
  readonly threshold: number;
  /** It has reached it, and nothing speaks against the candidate: a plan may take its next step. */
  readonly open: boolean;
  /** An estimate of the candidate requests that it still takes; 0 where none, null where it does not get there like this. */
  readonly requestsNeeded: number | null;
  /** All kinds of failures together (kind null), then each named kind by itself. */
  readonly streams: readonly { readonly kind: string | null; readonly evidence: number }[];
}

/** A moment at which evidence passed a line. */
export interface EvidenceCrossing {
  /** Milliseconds since the Unix epoch, good to the guard's 250 ms. */
  readonly at: number;
  /** `comparative` is what units and requests come to together; `absolute` any one of the absolute rules. */
  readonly stream: "units" | "requests" | "comparative" | "promotion" | "absolute";
  readonly line: "hold" | "revert" | "promotion";
  readonly direction: "up" | "down";
}

/** Evidence at one moment, to be drawn. Logarithms are natural ones, of E values. */
export interface EvidencePoint extends Readonly<Tally> {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly thousandths: number;
  readonly logComparative: number;
  /** Null where reporters send no units. */
  readonly logUnits: number | null;
  readonly logRequests: number;
  /** Of the bound in force at that percentage. */
  readonly logPromotion: number;
}

/**
 * Why a guard decided as it did: JSON, kept with a revert and shown to people. Requests and failures are raw counts; slow
 * requests are no failures here and stand among the kinds.
 */
export interface GuardEvidence extends GuardStep, Readonly<Tally> {
  /** Off at 100 %. Reports of earlier steps that arrive late are compared all the same. */
  readonly comparison: "on" | "off, no control";
  /** The E value of "not worse than tolerated"; starts at 1, the lower the better. */
  readonly comparativeEvidence: number;
  /** What the comparative evidence has to reach for a revert. */
  readonly threshold: number;
  /** The share of the comparison that counts each unit's first failure; null where reporters send no units. */
  readonly unitEvidence: number | null;
  readonly requestEvidence: number;
  readonly kinds: readonly KindEvidence[];
  readonly absoluteEvidence: readonly AbsoluteEvidence[];
  readonly promotion: PromotionEvidence;
  /** Whether enough distinct candidates failed for any rule to revert. */
  readonly failuresMinReached: boolean;
  /** Reports of steps too long ago to be compared, left out whole. */
  readonly lateReports: number;
  /** The newest 32, oldest first. */
  readonly crossings: readonly EvidenceCrossing[];
}

/** What is to be done. A revert stays one; a hold lasts as long as the evidence for it. */
export interface GuardVerdict {
  readonly action: "none" | "hold" | "revert";
  readonly rule: "comparative" | "absolute" | null;
  readonly evidence: GuardEvidence;
}
