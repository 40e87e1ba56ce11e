import { type Answer, type Fault, faultOf, judge, type Truth } from "./judge.ts";

/** A span of time in milliseconds since the Unix epoch; an answer belongs to it by when its request began. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What shoppers met in a span. */
export interface Tally {
  readonly requests: number;
  readonly bad: number;
  /** Answers with status 200. */
  readonly ok: number;
  /** By fault. */
  readonly faults: Readonly<Record<string, number>>;
  /** Answers by the version that they claim to show. */
  readonly shown: Readonly<Record<string, number>>;
  /** Of these, those that were bad. */
  readonly badShown: Readonly<Record<string, number>>;
  /** Answers by the process that gave them. */
  readonly workers: Readonly<Record<string, number>>;
}

/** What happened on the shop's side, from its own reports and from the log. */
export interface Facts {
  /** Number of the version that breaks. */
  readonly broken: number;
  /** When the decision to take it back was made; null where nobody did. */
  readonly revertAt: number | null;
  /** When each of the shop's processes was back on the version before. */
  readonly appliedAt: Readonly<Record<string, number>>;
}

/** What came of a broken version. */
export interface Summary {
  readonly requests: number;
  /** Answers that a shopper should not have been given. */
  readonly badServed: number;
  /** Those to requests that began after the process that answered had taken the version back. */
  readonly badServedAfterRevert: number;
  /** Those that the broken version does not explain. */
  readonly controlErrors: number;
  /** Those that it does explain, given before it was decided to take it back. */
  readonly detectFailedRequests: number;
  readonly firstBadAt: number | null;
  /** From the first of them to that decision. */
  readonly detectMs: number | null;
  /** From that decision to the last process on the version before. */
  readonly revertMs: number | null;
  readonly faults: Readonly<Record<string, number>>;
}

/** Keeps what shoppers were answered and adds it up. */
export interface Ledger {
  /** Keeps an answer and gives what is wrong with it. */
  add(answer: Answer): Fault | null;
  tally(span: Span): Tally;
  summary(facts: Facts): Summary;
}

/** Answers that are kept; the oldest are forgotten. Two hundred a second for ten minutes. */
const answersMax = 120_000;

interface Judged extends Answer {
  readonly fault: Fault | null;
}

/** Makes an empty ledger. */
export function createLedger(truth: Truth): Ledger {
  let answers: Judged[] = [];

  return {
    add(answer) {
      const fault = judge(answer, truth);
      answers.push({ ...answer, fault });
      if (answers.length > answersMax) answers = answers.slice(answersMax / 2);
      return fault;
    },
    tally({ from, to }) {
      const within = answers.filter(({ startedAt }) => startedAt >= from && startedAt <= to);
      const bad = within.filter(({ fault }) => fault !== null);
      return {
        requests: within.length,
        bad: bad.length,
        ok: within.filter(({ status }) => status === 200).length,
        faults: countBy(within, ({ fault }) => fault),
        shown: countBy(within, ({ shown }) => shown),
        badShown: countBy(bad, ({ shown }) => shown),
        workers: countBy(within, ({ worker }) => worker),
      };
    },
    summary: (facts) => summarize(answers, truth, facts),
  };
}

function summarize(answers: readonly Judged[], truth: Truth, { broken, revertAt, appliedAt }: Facts): Summary {
  const lastAppliedAt = Math.max(...Object.values(appliedAt));
  const isAfter = ({ worker, startedAt }: Judged): boolean =>
    revertAt !== null && startedAt > (appliedAt[worker ?? ""] ?? lastAppliedAt);
  // Once it was taken back the broken version must not be seen at all, not even where it is right.
  const isBad = (answer: Judged): boolean => answer.fault !== null || (isAfter(answer) && answer.shown === broken);
  const isExplained = (answer: Judged): boolean => {
    const quote = truth.files.get(broken)?.get(answer.sku);
    // What it claims to have shown is believed only where it speaks against the version before.
    const claims = answer.shown === null || answer.shown === broken;
    if (!claims || quote === undefined || isAfter(answer)) return false;
    if (answer.fault === "too slow") return quote.hasCoupon;
    return faultOf(answer.sku, quote, truth) !== null;
  };

  const bad = answers.filter(isBad);
  const explained = bad.filter(isExplained);
  const firstBadAt = explained.reduce<number | null>(
    (first, { endedAt }) => (first === null || endedAt < first ? endedAt : first),
    null,
  );
  return {
    requests: answers.length,
    badServed: bad.length,
    badServedAfterRevert: bad.filter(isAfter).length,
    controlErrors: bad.length - explained.length,
    detectFailedRequests: explained.filter(({ endedAt }) => revertAt === null || endedAt <= revertAt).length,
    firstBadAt,
    detectMs: revertAt === null || firstBadAt === null ? null : revertAt - firstBadAt,
    revertMs: revertAt === null || Object.keys(appliedAt).length === 0 ? null : lastAppliedAt - revertAt,
    faults: countBy(bad, ({ fault }) => fault ?? "taken back, and shown"),
  };
}

function countBy(answers: readonly Judged[], by: (answer: Judged) => string | number | null): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const answer of answers) {
    const key = by(answer);
    if (key !== null) counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
