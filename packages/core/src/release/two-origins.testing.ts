import fc from "fast-check";
import type { GivenCommand } from "./command.ts";
import { decide } from "./decide.ts";
import type { LoggedEvent } from "./event.ts";
import { evolve } from "./evolve.ts";
import { commandOf, startMs } from "./random-history.testing.ts";
import type { Facts, Timers } from "./random-shell.testing.ts";
import { createFacts, createTimers } from "./random-shell.testing.ts";
import type { Step } from "./random-steps.testing.ts";
import { beginningArbitrary, stepArbitrary } from "./random-steps.testing.ts";
import type { NamespaceState } from "./state.ts";
import { emptyState } from "./state.ts";

/** What one of two origins does next. */
export type Move =
  /** Somebody gives it a command, which it decides on what it has read of the log. */
  | { do: "give"; origin: number; step: Step }
  /** It appends what it decided, if the log is where it thought; else it reads on, and decides again. */
  | { do: "append"; origin: number }
  | { do: "read"; origin: number }
  /** It dies; `appended`: between the append and the answer, else before the append. It starts with nothing but the log. */
  | { do: "crash"; origin: number; appended: boolean }
  /** Whoever lost an answer asks again, with the same key. */
  | { do: "retry"; origin: number };

/** A command on its way. */
interface Asked {
  readonly key: string;
  readonly step: Step;
  readonly given: GivenCommand;
}

/** What was appended together. */
export interface Append {
  readonly key: string;
  readonly given: GivenCommand;
  readonly events: readonly LoggedEvent[];
}

/** What two origins have made of one log. */
export interface World {
  readonly log: readonly LoggedEvent[];
  readonly appends: readonly Append[];
  /** The keys of commands that somebody was told the outcome of, and whether they changed anything. */
  readonly answered: ReadonlyMap<string, "events" | "unchanged" | "rejected">;
  /** Those whose append met a log that had moved on. */
  readonly conflicts: number;
  readonly retries: number;
  readonly states: readonly NamespaceState[];
}

interface Origin {
  state: NamespaceState;
  facts: Facts;
  timers: Timers;
  asked: Asked | undefined;
  /** How far its wall clock is from the true time, in milliseconds. */
  wallOffsetMs: number;
}

const originArbitrary = fc.nat(1);
const moveArbitrary: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("give" as const), origin: originArbitrary, step: stepArbitrary }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("append" as const), origin: originArbitrary }) },
  fc.record({ do: fc.constantFrom("read" as const, "retry" as const), origin: originArbitrary }),
  fc.record({ do: fc.constant("crash" as const), origin: originArbitrary, appended: fc.boolean() }),
);

/** Random doings of two origins, over a log in which something has happened already, with clocks up to an hour apart. */
export const worldArbitrary: fc.Arbitrary<{ beginning: Step[]; moves: Move[]; skewMs: number }> = fc.record({
  beginning: beginningArbitrary,
  moves: fc.array(moveArbitrary, { minLength: 1, maxLength: 100, size: "max" }),
  skewMs: fc.constantFrom(0, 1_500, -60_000, 3_600_000),
});

/** Plays the doings. At the end both append what they still have and read on. */
export function playWorld({ beginning, moves, skewMs }: { beginning: Step[]; moves: Move[]; skewMs: number }): World {
  const log: LoggedEvent[] = [];
  const appends: Append[] = [];
  /** What the log remembers of answers, in the append that it remembers it with. */
  const remembered = new Set<string>();
  const answered = new Map<string, "events" | "unchanged" | "rejected">();
  const lost: Asked[] = [];
  const origins: Origin[] = [startedAt(0), startedAt(skewMs)];
  let [nowMs, drawn, asked, conflicts, retries] = [startMs, 0, 0, 0, 0];
  const draw = (): number => drawn++;

  const read = (origin: Origin): void => {
    for (const logged of log.slice(origin.state.sequence)) {
      origin.state = evolve(origin.state, logged);
      origin.facts.take(logged, origin.state);
    }
    origin.timers.see(origin.state);
  };

  const pass = (ms: number): void => {
    nowMs += ms;
    for (const { timers } of origins) timers.pass(ms);
  };

  /** One attempt to append. The answer is the caller's to give, or to lose. */
  const append = (origin: Origin, { key, given }: Asked): "conflict" | "events" | "unchanged" | "rejected" => {
    if (remembered.has(key)) return "events";
    const at = nowMs + origin.wallOffsetMs;
    const decision = decide(origin.state, given, at);
    if (decision.kind !== "events") return decision.kind;
    if (origin.state.sequence !== log.length) return "conflict";
    const events = decision.events.map(({ by, event }, index) => ({ sequence: log.length + 1 + index, at, by, event }));
    log.push(...events);
    remembered.add(key);
    appends.push({ key, given, events });
    return "events";
  };

  /** Facts are looked up for each attempt; what somebody meant stays what it was. */
  const anew = (origin: Origin, its: Asked): Asked => {
    const { step, given } = its;
    const hasFacts = ["publish", "patch", "restore", "wait"].includes(step.do);
    return hasFacts ? { ...its, given: commandOf(step, { ...origin, draw }) ?? given } : its;
  };

  const attempt = (origin: Origin): void => {
    if (origin.asked === undefined) return;
    const outcome = append(origin, anew(origin, origin.asked));
    if (outcome === "conflict") {
      conflicts += 1;
      read(origin);
      return;
    }
    answered.set(origin.asked.key, outcome);
    origin.asked = undefined;
    if (outcome === "events") read(origin);
  };

  const take = (origin: Origin, step: Step): void => {
    if (step.do === "wait") pass(step.ms);
    if (step.do === "jump") origin.wallOffsetMs += step.ms;
    if (origin.asked !== undefined) return;
    const given = commandOf(step, { ...origin, draw });
    if (given !== undefined) origin.asked = { key: `key-${asked++}`, step, given };
  };

  const crash = (index: number, appended: boolean): void => {
    const origin = origins[index];
    if (origin?.asked !== undefined) {
      if (appended) append(origin, anew(origin, origin.asked));
      lost.push(origin.asked);
    }
    const next = startedAt(origin?.wallOffsetMs ?? 0);
    read(next);
    origins[index] = next;
  };

  const move = (its: Move): void => {
    const origin = origins[its.origin];
    if (origin === undefined) return;
    if (its.do === "give") take(origin, its.step);
    else if (its.do === "append") attempt(origin);
    else if (its.do === "read") read(origin);
    else if (its.do === "crash") crash(its.origin, its.appended);
    else if (origin.asked === undefined && lost.length > 0) {
      retries += 1;
      origin.asked = lost.shift();
    }
  };

  for (const step of beginning) {
    move({ do: "give", origin: 0, step });
    move({ do: "append", origin: 0 });
  }
  for (const each of moves) move(each);
  // The other one's clock stands still meanwhile, so that each is done after at most one conflict.
  for (const origin of origins) while (origin.asked !== undefined) attempt(origin);
  for (const origin of origins) read(origin);
  return { log, appends, answered, conflicts, retries, states: origins.map(({ state }) => state) };
}

function startedAt(wallOffsetMs: number): Origin {
  return { state: emptyState, facts: createFacts(), timers: createTimers(), asked: undefined, wallOffsetMs };
}
