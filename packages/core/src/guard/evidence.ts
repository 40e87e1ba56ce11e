/** ln(e^a + e^b) without overflow; -Infinity stands for a zero. */
export function logAddExp(a: number, b: number): number {
  const high = Math.max(a, b);
  if (high === -Infinity) return -Infinity;
  return high + Math.log1p(Math.exp(Math.min(a, b) - high));
}

/** ln of the sum of e^x over some terms, without overflow; -Infinity for none. */
export function logSumExp(terms: readonly number[]): number {
  let high = -Infinity;
  for (const term of terms) high = Math.max(high, term);
  if (high === -Infinity) return -Infinity;
  let sum = 0;
  for (const term of terms) sum += Math.exp(term - high);
  return high + Math.log(sum);
}

// Above this an E value says nothing more, and e^709 is the end of the doubles.
const logEvidenceMax = 700;

/** The E value of a logarithm of evidence, finite always: capped at e^700. */
export function evidenceOf(logEvidence: number): number {
  return Math.exp(Math.min(logEvidence, logEvidenceMax));
}

/** What is staked on one alternative of a grid. */
export interface Stake {
  /** How many times worse than tolerated the alternative is; above 1. */
  readonly multiple: number;
  readonly logWeight: number;
  logStake: number;
}

/**
 * One betting process: cash, and stakes on alternatives. Its evidence starts at 1 and is a non-negative supermartingale
 * while the null hypothesis holds, so that it ever reaches 1/alpha with a probability of at most alpha, however often it
 * is looked at (Ville's inequality).
 */
export interface EvidenceStream {
  logCash: number;
  readonly stakes: Stake[];
  /** Blocks so far that carried information. */
  informativeBlocks: number;
  /** The share of the cash that the next scored block stakes; 0 when nothing was fixed beforehand. */
  nextStakedShare: number;
  /** ln of the cash and of all stakes together, kept after each change. */
  logEvidence: number;
}

// Half at the first block, since most bad candidates are bad at once; a quarter at a step, since a new share of users
// is the likeliest moment of a new fault; a thin, slowly shrinking share otherwise, which is what finds a late one.
const firstStakedShare = 0.5;
const stepStakedShare = 0.25;
const restakeBlocks = 200;

/** A stream that has seen nothing, over a grid of multiples with prior weights that sum to 1. */
export function createStream(grid: readonly { multiple: number; weight: number }[]): EvidenceStream {
  return {
    logCash: 0,
    stakes: grid.map(({ multiple, weight }) => ({ multiple, logWeight: Math.log(weight), logStake: -Infinity })),
    informativeBlocks: 0,
    nextStakedShare: firstStakedShare,
    logEvidence: 0,
  };
}

/** Tells a stream that the percentage changed: it bets anew at its next block and keeps the evidence that it has. */
export function stepStream(stream: EvidenceStream): void {
  if (stream.informativeBlocks > 0) stream.nextStakedShare = stepStakedShare;
}

/**
 * Bets and then scores one block. `scoreOf` gives ln of the block's e-value for one alternative; the bet never depends
 * on it, which is what keeps the evidence honest.
 */
export function scoreBlock(stream: EvidenceStream, informative: boolean, scoreOf: (multiple: number) => number): void {
  const thinShare = informative ? 1 / (stream.informativeBlocks + restakeBlocks) : 0;
  const stakedShare = stream.nextStakedShare > 0 ? stream.nextStakedShare : thinShare;
  stream.nextStakedShare = 0;
  if (informative) stream.informativeBlocks += 1;

  const logStaked = stream.logCash + Math.log(stakedShare);
  stream.logCash += Math.log1p(-stakedShare);
  for (const stake of stream.stakes) {
    stake.logStake = logAddExp(stake.logStake, logStaked + stake.logWeight) + scoreOf(stake.multiple);
  }
  stream.logEvidence = logStreamEvidence(stream);
}

/** ln of a stream's evidence, from its cash and stakes. */
export function logStreamEvidence({ logCash, stakes }: Pick<EvidenceStream, "logCash" | "stakes">): number {
  return logSumExp([logCash, ...stakes.map(({ logStake }) => logStake)]);
}
