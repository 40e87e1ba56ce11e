import { type Arm, type Clock, SluiceError } from "@sluice/core";
import type { Reporter } from "@sluice/replica";
import { checkKind, countGivenUp, countOutcome, defaultFailureKind, failureKindOf, isAbort } from "./counting.ts";
import type { Impatience } from "./impatience.ts";
import type { LineRef } from "./item-cache.ts";
import type { Choice } from "./routing.ts";
import { InvalidItem } from "./schema.ts";

/** Whom a view is for. */
export interface ViewOptions {
  /** What decides the side of a release: a user's or a session's id. Without one, or with an empty one: stable until 100 %, and not counted. */
  readonly targetingKey?: string | undefined;
  /** Facts about whoever reads, carried along with the view. */
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/**
 * What one request sees: one consistent choice of versions across all datasets, fixed when it was made. Reads are synchronous, and
 * what they give is frozen. Every read throws VIEW_EXPIRED once the view is older than `viewMaxAgeMs`, NOT_READY where the dataset
 * has no version here yet, DATASET_UNKNOWN for a dataset that the client was not made with.
 */
export interface View<Items extends object = Readonly<Record<string, unknown>>> {
  readonly targetingKey: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** True once a release of which this view reads the candidate was reverted. */
  readonly reverted: boolean;
  /** An item, or undefined where there is none. Throws ITEM_INVALID where it breaks the application's schema. */
  get<Name extends keyof Items & string>(dataset: Name, key: string): Items[Name] | undefined;
  /** Several items by key; keys without an item are left out. Throws like `get`. */
  getMany<Name extends keyof Items & string>(dataset: Name, keys: Iterable<string>): ReadonlyMap<string, Items[Name]>;
  /** Whether there is an item, valid or not. */
  has(dataset: keyof Items & string, key: string): boolean;
  /** Every item, in no particular order, past the cache. Throws like `get`. */
  entries<Name extends keyof Items & string>(
    dataset: Name,
  ): IterableIterator<readonly [key: string, item: Items[Name]]>;
  /** Number of the version that is read, 0 for a bootstrap file; null where there is none yet. */
  version(dataset: keyof Items & string): number | null;
  /** The side of the dataset's release that is read; null where no release was active. */
  arm(dataset: keyof Items & string): Arm | null;
  /** Id of the dataset's release that was running or baking when the view was made. */
  release(dataset: keyof Items & string): string | null;
  /** A key for what is made from this version of the dataset and cached elsewhere, a page for example. */
  cacheKey(dataset: keyof Items & string): string;
  /**
   * Calls `fn` and returns what it returns, unless the view has expired or was reverted at this moment: put what cannot be taken back
   * in it. Throws VIEW_EXPIRED, VIEW_REVERTED.
   */
  commit<T>(fn: () => T): T;
  /** Counts the request as failed; the first outcome of a view counts. `kind` (1 to 64 characters, default `error`) is compared by itself. Throws VALIDATION. */
  fail(kind?: string): void;
  /** Counts the request as succeeded, unless it has failed before; as `slow` where the view was made longer ago than the plan's `slowMs`. */
  succeed(): void;
  /**
   * Says that nobody waits for the request any more. It counts as `slow` where the view was made longer ago than the plan's `slowMs`, else
   * not at all, whatever is said of it later.
   */
  giveUp(): void;
  /**
   * Runs `fn`, sync or async, and counts what came of it: what it throws is a failure (`invalid-item` for ITEM_INVALID, else `error`),
   * an AbortError is given up (`slow` where `fn` had taken too long, else nothing), VIEW_REVERTED is nothing, anything else is a success, or `slow` where `fn` took longer than the plan's `slowMs`.
   */
  run<T>(fn: () => PromiseLike<T>): Promise<T>;
  run<T>(fn: () => T): T;
}

/** What a view asks of its client. */
export interface ViewHost {
  readonly clock: Clock;
  readonly reporter: Pick<Reporter, "outcome">;
  readonly viewMaxAgeMs: number;
  /** A view was given up. */
  readonly givenUp: Impatience;
  isReverted(release: string): boolean;
  /** This process takes the release's candidate no more. */
  refuse(refusal: Refusal): void;
}

/** Why a process does not take a candidate. */
export interface Refusal {
  readonly dataset: string;
  readonly release: string;
  readonly key: string;
  readonly version: number;
  /** What the application's schema said. */
  readonly issues: readonly string[];
}

const noAttributes: Readonly<Record<string, unknown>> = Object.freeze({});

/** A view over the choices that routing made. A class, because tens of thousands are made each second. */
export class ItemView<Items extends object> implements View<Items> {
  readonly targetingKey: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly #host: ViewHost;
  readonly #expiresAt: number;
  #choices: ReadonlyMap<string, Choice>;
  #isSettled = false;

  constructor(host: ViewHost, choices: ReadonlyMap<string, Choice>, { targetingKey, attributes }: ViewOptions) {
    this.targetingKey = targetingKey;
    this.attributes = attributes ?? noAttributes;
    this.#host = host;
    this.#expiresAt = host.clock.now() + host.viewMaxAgeMs;
    this.#choices = choices;
  }

  get reverted(): boolean {
    for (const { release, arm } of this.#choices.values()) {
      if (arm === "candidate" && release !== null && this.#host.isReverted(release)) return true;
    }
    return false;
  }

  get<Name extends keyof Items & string>(dataset: Name, key: string): Items[Name] | undefined {
    return this.#read(dataset, key) as Items[Name] | undefined;
  }

  getMany<Name extends keyof Items & string>(dataset: Name, keys: Iterable<string>): ReadonlyMap<string, Items[Name]> {
    const items = new Map<string, Items[Name]>();
    for (const key of keys) {
      const item = this.get(dataset, key);
      if (item !== undefined) items.set(key, item);
    }
    return items;
  }

  has(dataset: keyof Items & string, key: string): boolean {
    const { line, comparison } = this.#readable(dataset);
    const has = line.version.get(key) !== undefined;
    if (comparison !== null && !comparison.tally.touched) {
      comparison.tally.read = true;
      // Whether there is an item is all that the caller learns, so that is what has to differ.
      comparison.tally.touched = has !== (comparison.other.version.get(key) !== undefined);
    }
    return has;
  }

  *entries<Name extends keyof Items & string>(
    dataset: Name,
  ): Generator<readonly [key: string, item: Items[Name]], void> {
    const { cache, line, comparison } = this.#readable(dataset);
    if (comparison !== null) comparison.tally.read = true;
    if (comparison !== null && comparison.other.version.contentHash !== line.version.contentHash) {
      comparison.tally.touched = true;
    }
    for (const [key, canonical] of line.version.entries()) {
      this.#checkAge();
      const item = cache.decode(line, key, canonical);
      yield [key, (item instanceof InvalidItem ? this.#invalid(dataset, key, item) : item) as Items[Name]];
    }
  }

  version(dataset: keyof Items & string): number | null {
    return this.#choice(dataset).line?.version.number ?? null;
  }

  arm(dataset: keyof Items & string): Arm | null {
    return this.#choice(dataset).arm;
  }

  release(dataset: keyof Items & string): string | null {
    return this.#choice(dataset).release;
  }

  cacheKey(dataset: keyof Items & string): string {
    const { version } = this.#readable(dataset).line;
    // The number alone would be enough within one log; the hash tells two installations apart that share a page cache.
    return `${dataset}@${version.number}-${version.contentHash.slice(0, 16)}`;
  }

  commit<T>(fn: () => T): T {
    this.#checkAge();
    if (this.reverted) {
      throw new SluiceError(
        "VIEW_REVERTED",
        "what this view reads was reverted since it was made; make a new view and work the result out again",
      );
    }
    return fn();
  }

  fail(kind: string = defaultFailureKind): void {
    this.#settle(checkKind(kind));
  }

  succeed(): void {
    this.#settle(null);
  }

  giveUp(): void {
    this.#giveUp(this.#madeAt);
  }

  run<T>(fn: () => PromiseLike<T>): Promise<T>;
  run<T>(fn: () => T): T;
  run<T>(fn: () => T | PromiseLike<T>): T | Promise<T> {
    const startedAt = this.#host.clock.now();
    let result: T | PromiseLike<T>;
    try {
      result = fn();
    } catch (error) {
      this.#settleThrown(error, startedAt);
      throw error;
    }
    if (isPromiseLike(result)) return this.#settleLater(result, startedAt);
    this.#settle(null, startedAt);
    return result;
  }

  async #settleLater<T>(promise: PromiseLike<T>, startedAt: number): Promise<T> {
    try {
      const result = await promise;
      this.#settle(null, startedAt);
      return result;
    } catch (error) {
      this.#settleThrown(error, startedAt);
      throw error;
    }
  }

  #settleThrown(error: unknown, startedAt: number): void {
    if (isAbort(error)) {
      this.#giveUp(startedAt);
      return;
    }
    const kind = failureKindOf(error);
    if (kind === undefined) this.#isSettled = true;
    else this.#settle(kind);
  }

  get #madeAt(): number {
    return this.#expiresAt - this.#host.viewMaxAgeMs;
  }

  #giveUp(startedAt: number): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    const durationMs = this.#host.clock.now() - startedAt;
    for (const [dataset, { comparison }] of this.#choices) {
      if (comparison === null) continue;
      countGivenUp(this.#host.reporter, comparison.tally, durationMs);
      this.#host.givenUp(dataset, comparison.tally, durationMs);
    }
  }

  /** Without a start it is what was made of the view since it was made. */
  #settle(failure: string | null, startedAt: number = this.#madeAt): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    for (const { comparison } of this.#choices.values()) {
      if (comparison === null) continue;
      countOutcome(this.#host.reporter, comparison.tally, failure, this.#host.clock.now() - startedAt);
    }
  }

  #read(dataset: string, key: string): unknown {
    const { cache, line, comparison } = this.#readable(dataset);
    if (comparison === null || comparison.tally.touched) {
      const value = cache.find(line, null, key).value(line.slot);
      return value instanceof InvalidItem ? this.#invalid(dataset, key, value) : value;
    }
    comparison.tally.read = true;
    const entry = cache.find(line, comparison.other, key);
    const value = entry.value(line.slot);
    if (value instanceof InvalidItem && entry.differs) return this.#invalidDiffering(dataset, key, value);
    if (entry.differs) comparison.tally.touched = true;
    return value instanceof InvalidItem ? this.#invalid(dataset, key, value) : value;
  }

  /**
   * The first value in which the lines differ is invalid. A candidate's is no reason to fail, since stable has another one and the
   * view has seen nothing yet that stable does not have too.
   */
  #invalidDiffering(dataset: string, key: string, item: InvalidItem): unknown {
    const { cache, release, arm, comparison } = this.#choice(dataset);
    if (comparison === null || arm !== "candidate") {
      if (comparison !== null) comparison.tally.touched = true;
      return this.#invalid(dataset, key, item);
    }
    this.#refuse(dataset, key, item);
    const stable: Choice = { cache, line: comparison.other, release, arm: "control", comparison: null };
    this.#choices = new Map(this.#choices).set(dataset, stable);
    return this.#read(dataset, key);
  }

  #invalid(dataset: string, key: string, item: InvalidItem): never {
    const { line, arm, comparison } = this.#readable(dataset);
    // A value that both lines share is not the candidate's fault.
    const isCandidates = arm === "candidate" && comparison?.other.version.get(key) !== line.version.get(key);
    if (isCandidates) this.#refuse(dataset, key, item);
    throw new SluiceError(
      "ITEM_INVALID",
      `${dataset} ${JSON.stringify(key)} of v${line.version.number} breaks the application's schema: ${item.issues.join("; ")}`,
      { details: { dataset, key, version: line.version.number, issues: item.issues } },
    );
  }

  #refuse(dataset: string, key: string, { issues }: InvalidItem): void {
    const { line, release } = this.#readable(dataset);
    if (release !== null) this.#host.refuse({ dataset, release, key, version: line.version.number, issues });
  }

  #choice(dataset: string): Choice {
    const choice = this.#choices.get(dataset);
    if (choice !== undefined) return choice;
    throw new SluiceError("DATASET_UNKNOWN", `this client was not made with a dataset ${dataset}`, {
      details: { datasets: [...this.#choices.keys()] },
    });
  }

  #readable(dataset: string): Choice & { readonly line: LineRef } {
    this.#checkAge();
    const choice = this.#choice(dataset);
    if (hasLine(choice)) return choice;
    throw new SluiceError(
      "NOT_READY",
      `${dataset} has no version here yet; wait for client.ready(), or publish a first version`,
      { details: { dataset } },
    );
  }

  #checkAge(): void {
    if (this.#host.clock.now() < this.#expiresAt) return;
    const { viewMaxAgeMs } = this.#host;
    throw new SluiceError(
      "VIEW_EXPIRED",
      `this view is older than ${viewMaxAgeMs} ms (viewMaxAgeMs); make one for each request`,
      { details: { viewMaxAgeMs } },
    );
  }
}

function hasLine(choice: Choice): choice is Choice & { readonly line: LineRef } {
  return choice.line !== null;
}

function isPromiseLike<T>(result: T | PromiseLike<T>): result is PromiseLike<T> {
  return typeof result === "object" && result !== null && "then" in result && typeof result.then === "function";
}
