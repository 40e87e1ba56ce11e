import type { AbsoluteEvidence, Tally } from "./absolute.ts";

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

/** Why a guard decided as it did: JSON, kept with a revert and shown to people. Requests and failures are raw counts. */
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
  /** Whether enough distinct candidates failed for any rule to revert. */
  readonly failuresMinReached: boolean;
  /** Reports of steps too long ago to be compared, left out whole. */
  readonly lateReports: number;
}

/** What is to be done. A revert stays one; a hold lasts as long as the evidence for it. */
export interface GuardVerdict {
  readonly action: "none" | "hold" | "revert";
  readonly rule: "comparative" | "absolute" | null;
  readonly evidence: GuardEvidence;
}
