import type { DatasetLines, ReadableVersion } from "@sluice/replica";
import { type LineChain, keysBetween } from "./line-chain.ts";
import { RecentItems } from "./recent-items.ts";
import type { Decode } from "./schema.ts";

/** Which of the two places for values in an entry a line has; the stable and the candidate line change places when a release completes. */
export type Slot = 0 | 1;

/** One line at one version, as a view holds it. Ticks count the changes of the dataset's lines in this process. */
export interface LineRef {
  readonly version: ReadableVersion;
  readonly slot: Slot;
  /** The tick at which the line took its slot. */
  readonly start: number;
  /** The tick up to which the view sees what happened. */
  readonly tick: number;
}

/** The two lines of a dataset as a new view may read them. */
export interface LineRefs {
  readonly stable: LineRef | null;
  readonly candidate: LineRef | null;
}

const never = -1;

/** What is cached of one key: a value for each line, one and the same where the lines agree, and whether they do. */
export class Entry {
  #stamp0 = never;
  #value0: unknown = undefined;
  #stamp1 = never;
  #value1: unknown = undefined;
  #comparedAt = never;
  #differs = false;

  /** Starts with what another entry of the key holds. */
  constructor(held: Entry | undefined) {
    if (held === undefined) return;
    this.#stamp0 = held.#stamp0;
    this.#value0 = held.#value0;
    this.#stamp1 = held.#stamp1;
    this.#value1 = held.#value1;
  }

  /**
   * Whether the value of the line's slot is what the line's version has.
   * It was read between the tick at which the line took the slot and the view's, and a patch of the key would have removed the entry.
   */
  holds({ slot, start, tick }: LineRef): boolean {
    const stamp = slot === 0 ? this.#stamp0 : this.#stamp1;
    return stamp >= start && stamp <= tick;
  }

  /**
   * Whether `differs` is known for the line that the entry holds and another one. An entry does not change once it is made, so what
   * was compared is as new as what is held; only the other line may have begun anew since.
   */
  compares(line: LineRef, other: LineRef): boolean {
    return this.#comparedAt >= other.start && this.#comparedAt <= line.tick;
  }

  value(slot: Slot): unknown {
    return slot === 0 ? this.#value0 : this.#value1;
  }

  get differs(): boolean {
    return this.#differs;
  }

  put(line: LineRef, value: unknown): void {
    // A value that is there already keeps its stamp, so that older views go on reading it.
    if (this.holds(line)) return;
    const { slot, tick } = line;
    if (slot === 0) {
      this.#stamp0 = tick;
      this.#value0 = value;
    } else {
      this.#stamp1 = tick;
      this.#value1 = value;
    }
  }

  setDiffers(tick: number, differs: boolean): void {
    this.#comparedAt = tick;
    this.#differs = differs;
  }
}

/** What an item cache is made with. */
export interface ItemCacheOptions {
  readonly decode: Decode;
  /** Keys at most. */
  readonly itemsMax: number;
  /** Canonical text of the cached values at most, in bytes; null has no limit. A decoded value takes several times its text. */
  readonly bytesMax: number | null;
}

/**
 * The decoded items of one dataset. Views on the current versions and, for what was not patched since, on older ones read it;
 * what an older view misses is read from its version and not kept.
 */
export class ItemCache {
  readonly #decode: Decode;
  readonly #entries: RecentItems<Entry>;
  #tick = 0;
  #stableSlot: Slot = 0;
  /** The current lines by slot. */
  #lines: [LineRef | null, LineRef | null] = [null, null];

  constructor({ decode, itemsMax, bytesMax }: ItemCacheOptions) {
    this.#decode = decode;
    this.#entries = new RecentItems({ itemsMax, bytesMax });
  }

  /** Keys in the cache. */
  get items(): number {
    return this.#entries.items;
  }

  /** Canonical text of the cached values in bytes. */
  get bytes(): number {
    return this.#entries.bytes;
  }

  /**
   * Takes up new versions of the lines and says how views read them. What is proven to go on by patches, or to have the same
   * content, keeps its values but for the patched keys; any other version starts without a value.
   */
  advance(next: DatasetLines, chainsBetween: () => readonly LineChain[]): LineRefs {
    const stableSlot = this.#stableSlot;
    const candidateSlot = besideSlot(stableSlot);
    if (next.stable === this.#versionIn(stableSlot) && next.candidate === this.#versionIn(candidateSlot)) {
      return this.#refs();
    }
    this.#tick += 1;
    const chains = chainsBetween();
    const stayed = this.#keysTo(stableSlot, next.stable, chains);
    const completed = stayed === undefined ? this.#keysTo(candidateSlot, next.stable, chains) : undefined;
    if (completed !== undefined) this.#stableSlot = candidateSlot;
    // Where the candidate became the stable line, a new candidate begins in the slot that is free.
    const candidate = completed === undefined ? this.#keysTo(candidateSlot, next.candidate, chains) : undefined;
    this.#setLine(this.#stableSlot, next.stable, stayed ?? completed);
    this.#setLine(besideSlot(this.#stableSlot), next.candidate, candidate);
    return this.#refs();
  }

  /**
   * The entry of a key that holds the line's value and, where another line is given, whether the two differ in it.
   * One lookup where it is cached. Throws CORRUPT, SCHEMA_ASYNC.
   */
  find(line: LineRef, other: LineRef | null, key: string): Entry {
    const entry = this.#entries.get(key);
    if (entry?.holds(line) === true && (other === null || entry.compares(line, other))) return entry;
    return this.#load(line, other, key, entry);
  }

  /** The decoded value of an item that the caller has the text of; what is not cached stays so, so that a walk over all items evicts nothing. */
  decode(line: LineRef, key: string, canonical: string): unknown {
    const entry = this.#entries.peek(key);
    return entry?.holds(line) === true ? entry.value(line.slot) : this.#decode(canonical);
  }

  #load(line: LineRef, other: LineRef | null, key: string, held: Entry | undefined): Entry {
    const beside = other ?? this.#heldBeside(line, held);
    const text = line.version.get(key);
    const besideText = beside?.version.get(key);
    const isSame = beside !== null && text === besideText;
    const isCurrent = this.#isCurrent(line) && (beside === null || this.#isCurrent(beside));
    const entry = new Entry(isCurrent ? held : undefined);

    let value: unknown;
    if (held?.holds(line) === true) value = held.value(line.slot);
    else if (isSame && held?.holds(beside) === true) value = held.value(beside.slot);
    else if (text !== undefined) value = this.#decode(text);

    entry.put(line, value);
    if (beside !== null) {
      entry.setDiffers(Math.max(line.tick, beside.tick), !isSame);
      if (isSame) entry.put(beside, value);
    }
    if (isCurrent) {
      // That there is no item takes its place too.
      const bytes = Math.max(1, (text?.length ?? 0) + (isSame ? 0 : (besideText?.length ?? 0)));
      this.#entries.set(key, entry, bytes);
    }
    return entry;
  }

  /** The other current line where the entry has its value: comparing keeps an item that both lines share from being cached twice. */
  #heldBeside(line: LineRef, held: Entry | undefined): LineRef | null {
    const beside = this.#lines[besideSlot(line.slot)];
    return beside !== null && held?.holds(beside) === true && this.#isCurrent(line) ? beside : null;
  }

  #isCurrent({ slot, version }: LineRef): boolean {
    return this.#versionIn(slot) === version;
  }

  #versionIn(slot: Slot): ReadableVersion | null {
    return this.#lines[slot]?.version ?? null;
  }

  /** The keys that changed on the way from the slot's version to another; undefined where no way is proven. */
  #keysTo(slot: Slot, next: ReadableVersion | null, chains: readonly LineChain[]): ReadonlySet<string> | undefined {
    const version = this.#versionIn(slot);
    return version === null || next === null ? undefined : keysBetween(version.contentHash, next.contentHash, chains);
  }

  #setLine(slot: Slot, version: ReadableVersion | null, changed: ReadonlySet<string> | undefined): void {
    const start = changed === undefined ? this.#tick : (this.#lines[slot]?.start ?? this.#tick);
    for (const key of changed ?? []) this.#entries.delete(key);
    this.#lines[slot] = version === null ? null : { version, slot, start, tick: this.#tick };
  }

  #refs(): LineRefs {
    return { stable: this.#lines[this.#stableSlot], candidate: this.#lines[besideSlot(this.#stableSlot)] };
  }
}

function besideSlot(slot: Slot): Slot {
  return slot === 0 ? 1 : 0;
}
