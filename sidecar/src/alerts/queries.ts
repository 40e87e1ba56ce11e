import type { Clock, QueryRule, ReleaseState, Timer } from "@sluice/core";
import { isActive, isSluiceError, own } from "@sluice/core";
import type { QueryStatus } from "@sluice/core/api";
import type { Logger } from "pino";
import type { Commands } from "../commands.ts";
import { fillExpression } from "./expression.ts";
import type { FiringBook } from "./firing-book.ts";
import type { FiringHolds } from "./firing-holds.ts";
import type { Hand } from "./hand.ts";
import type { Prometheus, QueryAnswer } from "./prometheus.ts";

/** How often each query is asked by default, in milliseconds. */
export const queryIntervalMsDefault = 5_000;

/** After this long without an answer a query holds its release, where its rule says so, in milliseconds. */
export const unansweredMsMax = 60_000;

/** The queries of what runs or bakes. */
export interface Queries {
  /** Of a release; undefined where its plan has none. */
  status(release: string): readonly QueryStatus[] | undefined;
  /** What a person should know about a dataset's queries, a sentence each. */
  faults(dataset: string): readonly string[];
  close(): void;
}

/** A query of a release and what is known of it. Times are monotonic. */
interface Watched {
  readonly release: ReleaseState;
  readonly rule: QueryRule;
  isAsking: boolean;
  answeredMs: number;
  /** Why it has not been answered since; null while it is. */
  failure: string | null;
  /** Since when it fires without a break; null while it does not. */
  firingSinceMs: number | null;
  quietSinceMs: number;
  /** What was answered last. */
  said: string;
}

/** Asks and acts, from the start of a release to its end. `prometheus` is null where the origin was started without one. */
export function createQueries(dependencies: {
  readonly commands: Pick<Commands, "state" | "subscribe">;
  readonly prometheus: Prometheus | null;
  readonly intervalMs: number;
  readonly book: FiringBook;
  readonly hand: Hand;
  readonly holds: Pick<FiringHolds, "standing">;
  readonly clock: Clock;
  readonly logger: Logger;
}): Queries {
  const { commands, prometheus, intervalMs, book, hand, holds, clock, logger } = dependencies;
  const watched = new Map<string, readonly Watched[]>();
  const ending = new AbortController();
  let timer: Timer | undefined;

  function follow(): void {
    for (const release of Object.values(commands.state().releases)) {
      if (isActive(release)) {
        if (!watched.has(release.id) && release.plan.queries.length > 0) watch(release);
      } else if (watched.has(release.id)) forget(release.id);
    }
  }

  function watch(release: ReleaseState): void {
    const now = clock.now();
    const list = release.plan.queries.map(
      (rule): Watched => ({
        release,
        rule,
        isAsking: false,
        answeredMs: now,
        failure: null,
        firingSinceMs: null,
        quietSinceMs: now,
        said: "",
      }),
    );
    watched.set(release.id, list);
    for (const each of list) ask(each);
    arm();
  }

  function forget(release: string): void {
    for (const { rule } of watched.get(release) ?? []) {
      book.remove(keyOf(release, firingName(rule)));
      book.remove(keyOf(release, unansweredName(rule)));
    }
    watched.delete(release);
  }

  function arm(): void {
    if (timer !== undefined || watched.size === 0 || ending.signal.aborted) return;
    timer = clock.setTimer(intervalMs, () => {
      timer = undefined;
      for (const each of [...watched.values()].flat()) ask(each);
      arm();
    });
  }

  /** One question at a time of each query: a Prometheus that is slow is not asked more often for it. */
  function ask(each: Watched): void {
    if (each.isAsking) return;
    each.isAsking = true;
    answerTo(each)
      .then((answer) => take(each, answer))
      .catch((error: unknown) => {
        if (isSluiceError(error, "CLOSED")) return;
        logger.error({ err: error, release: each.release.id, query: each.rule.name }, "a query could not act");
      })
      .finally(() => {
        each.isAsking = false;
      });
  }

  async function answerTo({ release, rule }: Watched): Promise<QueryAnswer> {
    if (prometheus === null) return { kind: "unanswered", reason: withoutPrometheus };
    try {
      return await prometheus.ask(fillExpression(rule.expression, release), ending.signal);
    } catch (error) {
      if (isSluiceError(error, "VALIDATION")) return { kind: "unanswered", reason: error.message };
      throw error;
    }
  }

  async function take(each: Watched, answer: QueryAnswer): Promise<void> {
    if (!watched.has(each.release.id) || ending.signal.aborted) return;
    const now = clock.now();
    if (answer.kind === "unanswered") {
      each.failure = answer.reason;
      if (each.rule.unanswered === "hold" && now - each.answeredMs >= unansweredMsMax) await holdUnanswered(each);
      return;
    }
    each.answeredMs = now;
    each.failure = null;
    each.said = answer.text;
    await end(each, unansweredName(each.rule), "the query is answered again");
    if (!answer.fires) {
      if (each.firingSinceMs !== null) each.quietSinceMs = now;
      each.firingSinceMs = null;
      await end(each, firingName(each.rule), `query ${each.rule.name} does not fire any more`);
      return;
    }
    each.firingSinceMs ??= now;
    if (now - each.firingSinceMs >= each.rule.forMs) await act(each);
  }

  async function act({ release, rule, said }: Watched): Promise<void> {
    const reason = `query ${rule.name} fires: ${said}`;
    if (rule.action === "hold") {
      await begin(release.id, firingName(rule), reason);
      return;
    }
    await hand.revert(release.id, actorOf(firingName(rule)), reason);
    logger.warn({ release: release.id, query: rule.name }, "a query reverted a release");
  }

  function holdUnanswered({ release, rule, failure }: Watched): Promise<void> {
    const seconds = unansweredMsMax / 1_000;
    return begin(release.id, unansweredName(rule), `query ${rule.name} is unanswered for ${seconds} s: ${failure}`);
  }

  /** Once: a person who lets go is not overruled by the same answer. */
  async function begin(release: string, name: string, reason: string): Promise<void> {
    const key = keyOf(release, name);
    if (book.get(key) !== undefined) return;
    const holder = actorOf(name);
    const asked = { [release]: "hold" } as const;
    book.put({ key, holder, startsAt: null, since: clock.wall(), reason, asked, overruledBy: {} });
    try {
      await hand.hold(release, holder, reason);
    } catch (error) {
      // The next answer tries again.
      book.remove(key);
      throw error;
    }
  }

  async function end({ release }: Watched, name: string, reason: string): Promise<void> {
    book.remove(keyOf(release.id, name));
    await hand.letGo(release.id, actorOf(name), reason);
  }

  function faultsOf(each: Watched, release: ReleaseState, now: number): readonly string[] {
    const status = statusOf(each, now);
    // One that fired and is not answered any more holds on for what it said last.
    const names = [firingName(each.rule), unansweredName(each.rule)];
    const standing =
      names.map((name) => holds.standing(release, keyOf(release.id, name))).find((text) => text !== "") ?? "";
    return faultOf(each, status, release.phase === "baking").map((fault) => `${fault}${standing}`);
  }

  const unsubscribe = commands.subscribe({ events: follow });
  follow();

  return {
    status(release) {
      const now = clock.now();
      return watched.get(release)?.map((each) => statusOf(each, now));
    },
    faults(dataset) {
      const now = clock.now();
      return [...watched.values()]
        .flat()
        .filter(({ release }) => release.dataset === dataset)
        .flatMap((each) => {
          const release = own(commands.state().releases, each.release.id);
          return release === undefined ? [] : faultsOf(each, release, now);
        });
    },
    close() {
      ending.abort();
      timer?.cancel();
      unsubscribe();
    },
  };
}

const withoutPrometheus = "this origin asks none; start it with sluice serve --prometheus URL";

function statusOf(each: Watched, now: number): QueryStatus {
  const { rule, failure, firingSinceMs, answeredMs, quietSinceMs, said } = each;
  const { name, action } = rule;
  if (failure !== null) return { name, action, state: "unanswered", forMs: now - answeredMs, message: failure };
  if (firingSinceMs === null) return { name, action, state: "quiet", forMs: now - quietSinceMs, message: null };
  const forMs = now - firingSinceMs;
  return { name, action, state: forMs >= rule.forMs ? "firing" : "pending", forMs, message: said };
}

function faultOf({ release }: Watched, { name, state, forMs, message }: QueryStatus, isBaking: boolean): string[] {
  const query = `query ${name} of ${release.dataset}`;
  if (state === "unanswered") {
    // Nothing is left to hold then: a person who promoted meanwhile has to hear of it.
    const what = isBaking ? `the bake is not watched by ${query}` : query;
    return [`${what}: unanswered for ${Math.floor(forMs / 1_000)} s: ${message}`];
  }
  return state === "firing" ? [`${query} fires: ${message}`] : [];
}

function firingName({ name }: QueryRule): string {
  return `query ${name}`;
}

function unansweredName(rule: QueryRule): string {
  return `${firingName(rule)} unanswered`;
}

function actorOf(name: string): { readonly kind: "alert"; readonly name: string } {
  return { kind: "alert", name };
}

function keyOf(release: string, name: string): string {
  return `${release} ${name}`;
}
