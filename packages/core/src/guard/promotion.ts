import type { GuardConfig, PromotionBound } from "./config.ts";
import { logSumExp } from "./evidence.ts";

/** Failures of one stream of the test in one block: distinct ones, as everywhere in the request stream. */
export interface PromotionFailures {
  readonly candidateFailures: number;
  readonly controlFailures: number;
}

/** What is tested against one bound: all failures but slow requests together, and each named kind by itself. */
export interface PromotionStream {
  /** Null: all kinds together. */
  readonly kind: string | null;
  /** ln of the product of the blocks' e-values, for each alternative of the grid. */
  readonly logScores: number[];
  /** ln of the evidence against "intolerably worse": the mean over the grid, kept after each change. */
  logEvidence: number;
}

/** The test of one pair of (worseRatio, worseExtraRate), from the release's start on. */
export interface PromotionTest {
  readonly worseRatio: number;
  readonly worseExtraRate: number;
  readonly streams: readonly PromotionStream[];
}

// How many times better than intolerable the candidate may really be: small shares open the test soon where it is far better.
const shareGrid = [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9] as const;
const logShareCount = Math.log(shareGrid.length);

// Past this many candidate requests the answer to "how many more?" is "not like this".
const requestsNeededMax = 2 ** 30;

/** The tests of a configuration: one for each distinct pair of its bounds, every alternative staked alike from the start. */
export function createPromotion(config: GuardConfig, kinds: readonly string[]): PromotionTest[] {
  const tests = new Map<string, PromotionTest>();
  for (const { worseRatio, worseExtraRate } of config.promotion.bounds) {
    const streams = [null, ...kinds].map((kind) => ({
      kind,
      logScores: shareGrid.map(() => 0),
      logEvidence: 0,
    }));
    tests.set(`${worseRatio}:${worseExtraRate}`, { worseRatio, worseExtraRate, streams });
  }
  return [...tests.values()];
}

/** The bound that is in force at a percentage. */
export function boundAt({ promotion }: GuardConfig, thousandths: number): PromotionBound {
  const bound = promotion.bounds.findLast(({ fromThousandths }) => fromThousandths <= thousandths);
  if (bound === undefined) throw new Error("a usable configuration has a bound from 0 on");
  return bound;
}

/** The test of a bound. */
export function testOf(tests: readonly PromotionTest[], bound: PromotionBound): PromotionTest {
  const found = tests.find(
    ({ worseRatio, worseExtraRate }) => worseRatio === bound.worseRatio && worseExtraRate === bound.worseExtraRate,
  );
  if (found === undefined) throw new Error("every bound of a configuration has a test");
  return found;
}

/**
 * ln of the e-value of one block for "the candidate's rate is `share` times what the bound calls intolerable".
 *
 * It mirrors the comparison's: under the null hypothesis p_c >= worseRatio * p_s + worseExtraRate its expectation is at most
 * 1 whatever p_s is, since ln E <= (1 - share) * n_c * (worseRatio * p_s + worseExtraRate - p_c) by ln(1+x) <= x. A block
 * without failures counts too: it is the silence that opens the test. Both arms need at least one request.
 */
export function promotionScore(
  share: number,
  bound: Pick<PromotionBound, "worseRatio" | "worseExtraRate">,
  requests: { readonly candidateRequests: number; readonly controlRequests: number },
  failures: PromotionFailures,
): number {
  const { candidateRequests, controlRequests } = requests;
  const lift = (candidateRequests / controlRequests) * bound.worseRatio * (1 - share);
  return (
    failures.candidateFailures * Math.log(share) +
    failures.controlFailures * Math.log1p(lift) +
    bound.worseExtraRate * candidateRequests * (1 - share)
  );
}

/** Closes a block into the tests; `failures` are those of the streams in their order. Without requests in one arm it says nothing. */
export function closePromotionBlock(
  tests: readonly PromotionTest[],
  requests: { readonly candidateRequests: number; readonly controlRequests: number },
  failures: readonly PromotionFailures[],
): void {
  // Without candidate requests every score is 0 by itself.
  if (requests.controlRequests === 0) return;
  for (const test of tests) {
    for (const [index, stream] of test.streams.entries()) {
      const { logScores } = stream;
      const counts = failures[index];
      if (counts === undefined) throw new Error("a block has counts for every stream of the promotion test");
      for (const [place, share] of shareGrid.entries()) {
        logScores[place] = (logScores[place] ?? 0) + promotionScore(share, test, requests, counts);
      }
      stream.logEvidence = logStreamPromotion(logScores);
    }
  }
}

/** ln of a stream's evidence, from its scores. */
export function logStreamPromotion(logScores: readonly number[]): number {
  return logSumExp(logScores) - logShareCount;
}

/** ln of a test's evidence: its weakest stream's, since the promise is made for all kinds together and for each of them. */
export function logPromotionEvidence({ streams }: PromotionTest): number {
  let least = Number.POSITIVE_INFINITY;
  for (const { logEvidence } of streams) least = Math.min(least, logEvidence);
  return least;
}

/** What is known of the rates of one stream, over the release so far. */
export interface PromotionRates extends PromotionFailures {
  readonly candidateRequests: number;
  readonly controlRequests: number;
}

/**
 * How many more candidate requests a stream needs until its evidence is `logNeeded`, if both arms go on as they did, at a share of
 * `thousandths`. An estimate for people: the candidate's rate is taken for the control's until its own failures say otherwise.
 * 0 where it is there already, null where it does not get there like this.
 */
export function promotionRequestsNeeded(
  test: PromotionTest,
  stream: PromotionStream,
  rates: PromotionRates,
  options: { readonly candidateShare: number; readonly logNeeded: number },
): number | null {
  const { candidateShare, logNeeded } = options;
  if (stream.logEvidence >= logNeeded) return 0;
  if (candidateShare <= 0 || candidateShare >= 1) return null;
  const { candidateRate, controlRate } = ratesOf(rates);
  const controlRequests = (1 - candidateShare) / candidateShare;
  const gains = shareGrid.map((share) =>
    promotionScore(
      share,
      test,
      { candidateRequests: 1, controlRequests },
      { candidateFailures: candidateRate, controlFailures: controlRate * controlRequests },
    ),
  );
  // Convex in the number of requests and too low at 0: it passes the line once, or never.
  const isEnough = (requests: number): boolean =>
    logSumExp(gains.map((gain, place) => (stream.logScores[place] ?? 0) + gain * requests)) - logShareCount >=
    logNeeded;
  let enough = 1;
  while (!isEnough(enough)) {
    if (enough >= requestsNeededMax) return null;
    enough *= 2;
  }
  let tooFew = Math.floor(enough / 2);
  while (enough - tooFew > 1) {
    const middle = Math.floor((enough + tooFew) / 2);
    if (isEnough(middle)) enough = middle;
    else tooFew = middle;
  }
  return enough;
}

function ratesOf(rates: PromotionRates): { candidateRate: number; controlRate: number } {
  const { candidateRequests, candidateFailures, controlRequests, controlFailures } = rates;
  const controlRate = controlRequests === 0 ? 0 : controlFailures / controlRequests;
  if (controlRate === 0) return { candidateRate: candidateFailures / Math.max(1, candidateRequests), controlRate };
  // One failure's worth of the control's rate, so that the first failure or its absence decides nothing.
  return { candidateRate: (candidateFailures + 1) / (candidateRequests + 1 / controlRate), controlRate };
}
