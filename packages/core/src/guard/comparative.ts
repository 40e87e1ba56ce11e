import { createStream, type EvidenceStream, scoreBlock } from "./evidence.ts";

/** Requests and failures of both arms over which one share and one moment hold. In the unit stream requests are units at risk. */
export interface Block {
  readonly candidateRequests: number;
  readonly candidateFailures: number;
  readonly controlRequests: number;
  readonly controlFailures: number;
}

/** The null hypothesis: candidate rate <= toleratedRatio * control rate + toleratedExtraRate, in every block by itself. */
export interface Tolerance {
  readonly toleratedRatio: number;
  readonly toleratedExtraRate: number;
}

// Small multiples find a slow poison, large ones make a catastrophe cost a handful of failures.
const ratioGrid = [1.2, 1.5, 2, 3, 5, 10, 30, 100, 1000] as const;
const ratioWeights = [0.05, 0.1, 0.1, 0.1, 0.15, 0.15, 0.15, 0.1, 0.1] as const;

/** A stream that compares two arms and has seen nothing. */
export function createComparison(): EvidenceStream {
  return createStream(ratioGrid.map((multiple, index) => ({ multiple, weight: ratioWeights[index] ?? 0 })));
}

/**
 * ln of the e-value of one block for the alternative "the ratio of rates is `multiple` times the tolerated one".
 *
 * With independent requests and mean rates p_c and p_s its expectation is at most 1 under the null hypothesis whatever
 * p_s is: ln E <= p_s * [n_c*r0*(u-1) + n_s*(v-1)] by ln(1+x) <= x, and `pull` is chosen to make that bracket 0.
 *
 * `toleratedFailures` is what the tolerated extra rate allows the candidate in this block (rate * requests).
 * Both arms need at least one request.
 */
export function blockScore(multiple: number, toleratedRatio: number, toleratedFailures: number, block: Block): number {
  const { candidateRequests, candidateFailures, controlRequests, controlFailures } = block;
  const expected = toleratedRatio * candidateRequests;
  const pull = (expected + controlRequests) / (multiple * expected + controlRequests);
  const lift = multiple * pull;
  return candidateFailures * Math.log(lift) + controlFailures * Math.log(pull) - toleratedFailures * (lift - 1);
}

/**
 * Closes a block into a stream. A block without requests in one arm compares nothing, one without failures (where no
 * extra rate is tolerated) says nothing; both leave the evidence as it is.
 *
 * `requests` is the number of candidate requests behind the block where the block itself counts units.
 */
export function closeBlock(
  stream: EvidenceStream,
  tolerance: Tolerance,
  block: Block,
  requests: number = block.candidateRequests,
): void {
  if (block.candidateRequests === 0 || block.controlRequests === 0) return;
  const informative = block.candidateFailures + block.controlFailures > 0;
  if (!informative && tolerance.toleratedExtraRate === 0) return;
  const toleratedFailures = tolerance.toleratedExtraRate * requests;
  scoreBlock(stream, informative, (multiple) =>
    blockScore(multiple, tolerance.toleratedRatio, toleratedFailures, block),
  );
}
