import { assert, type Clock, type LoggedEvent, SluiceError } from "@sluice/core";
import { type Blobs, createMemoryBlobs } from "@sluice/replica";
import { isPatchRow, type LineBook, type Lines, placeEvent } from "./line-book.ts";
import { type MemoryShelf, patchesBytesOf, pruneShelf, type StoredEvent, summarise } from "./memory-shelf.ts";
import { assertNumbered } from "./numbering.ts";
import { type Append, type EventLog, type RememberedAnswer, rememberedMs, type Store } from "./port.ts";

/** What a crash leaves: everything that was durable, as plain values. Belongs to one store at a time. */
export interface MemoryDisk extends MemoryShelf {
  /** Id of the log; null before the first store. */
  logId: string | null;
  readonly lines: Map<string, Lines>;
  /** Dataset by release. */
  readonly releases: Map<string, string>;
  /** Publishes by dataset and content hash. */
  readonly contents: Map<string, Set<number>>;
  readonly answers: Map<string, RememberedAnswer>;
  readonly documents: Map<string, string>;
  readonly blobs: Blobs;
}

/** Makes an empty disk. */
export function createMemoryDisk(): MemoryDisk {
  return {
    logId: null,
    events: [],
    prunedThrough: 0,
    minutes: new Map(),
    patchContents: new Map(),
    patchAnswers: new Map(),
    checkpoints: [],
    lines: new Map(),
    releases: new Map(),
    contents: new Map(),
    answers: new Map(),
    documents: new Map(),
    blobs: createMemoryBlobs(),
  };
}

/** A change on its way to the disk. */
export type MemoryWrite =
  | { readonly kind: "append"; readonly append: Append }
  | { readonly kind: "document"; readonly name: string }
  | { readonly kind: "checkpoint"; readonly sequence: number }
  | { readonly kind: "prune" }
  | { readonly kind: "contents" }
  | { readonly kind: "blob"; readonly name: string };

/** What becomes of a change. */
export interface WriteFate {
  /** Whether it reaches the disk, whole; otherwise nothing of it does. */
  readonly durable: boolean;
  /** What the caller hears: `ok`, an error, or nothing any more because the process dies here. */
  readonly answer: "ok" | "DISK_FULL" | "STORE_UNAVAILABLE" | "crash";
}

/** What a memory store is made of. */
export interface MemoryStoreOptions {
  /** Id of the log; a disk that has one already keeps it. */
  readonly id: string;
  /** Default: an empty disk that only this store knows. */
  readonly disk?: MemoryDisk;
  /** For the age of answers. Default: they are remembered for ever. */
  readonly clock?: Pick<Clock, "wall">;
  /** Decides about each change, one after the other. Default: durable and acknowledged. */
  readonly fate?: (write: MemoryWrite) => WriteFate | Promise<WriteFate>;
}

/** A store in memory, with the faults of a disk at will. */
export interface MemoryStore extends Store {
  /** The process dies: nothing reaches the disk any more, and no call ends. A new store over the disk is the next process. */
  crash(): void;
}

/** Makes a store for tests and the simulation. It takes no timer and draws nothing: calls end in the order of their microtasks. */
export function createMemoryStore(options: MemoryStoreOptions): MemoryStore {
  const { id, disk = createMemoryDisk(), clock, fate = () => ({ durable: true, answer: "ok" }) } = options;
  disk.logId ??= id;
  let closing: Promise<void> | null = null;
  let crashed = false;
  let last: Promise<void> = Promise.resolve();

  const alive = async (): Promise<void> => {
    if (crashed) await new Promise(() => {});
    if (closing !== null) throw new SluiceError("CLOSED", "the store is closed");
  };

  const meetFate = async (write: MemoryWrite, apply: () => void | Promise<void>): Promise<void> => {
    if (write.kind === "append") assertExpected(disk, write.append);
    const { durable, answer } = await fate(write);
    if (durable && !crashed) await apply();
    if (answer === "crash") crashed = true;
    if (crashed) await new Promise(() => {});
    if (answer === "DISK_FULL" || answer === "STORE_UNAVAILABLE") {
      throw new SluiceError(answer, "the disk failed, as it was told to");
    }
  };

  /** Hands a change to its fate after all changes before it. */
  const change = async (write: MemoryWrite, apply: () => void | Promise<void>): Promise<void> => {
    await alive();
    const turn = last.then(() => meetFate(write, apply));
    last = turn.catch(() => undefined);
    return turn;
  };

  const log: EventLog = {
    id: disk.logId,
    async append(append) {
      assertNumbered(append);
      await change({ kind: "append", append }, () => keep(disk, append, clock));
    },
    async *read(after, { limit = Number.POSITIVE_INFINITY } = {}) {
      await alive();
      for (let index = after; index < disk.events.length && index < after + limit; index++) {
        refusePruned(disk, index);
        yield parse(disk.events[index]);
        await alive();
      }
    },
    async readControl({ after, before, dataset, limit }) {
      await alive();
      const of = disk.events
        .slice(after ?? 0, after === undefined && before !== undefined ? Math.max(0, before - 1) : undefined)
        .filter((event) => event.control && (dataset === undefined || event.dataset === dataset));
      return (after === undefined ? of.slice(Math.max(0, of.length - limit)) : of.slice(0, limit)).map(parse);
    },
    async readPatches(query) {
      await alive();
      const { after, dataset } = query;
      const gone = disk.events.slice(after, disk.prunedThrough).some((its) => !its.control && its.dataset === dataset);
      if (gone) refusePruned(disk, after);
      return placesOf(disk, "patched", query);
    },
    async readRebases(query) {
      await alive();
      return placesOf(disk, "rebased", query);
    },
    async readPatchMinutes({ after, dataset, limit }) {
      await alive();
      const of = [...disk.minutes.values()].filter(
        (minute) => minute.firstSequence > (after ?? 0) && (dataset === undefined || minute.dataset === dataset),
      );
      return after === undefined ? of.slice(Math.max(0, of.length - limit)) : of.slice(0, limit);
    },
    putCheckpoint: (checkpoint) =>
      change({ kind: "checkpoint", sequence: checkpoint.sequence }, () => {
        assert(checkpoint.sequence <= disk.events.length, `checkpoint ${checkpoint.sequence} is ahead of its log`);
        const others = disk.checkpoints.filter(({ sequence }) => sequence !== checkpoint.sequence);
        disk.checkpoints = [checkpoint, ...others].sort((a, b) => b.sequence - a.sequence).slice(0, 2);
      }),
    async checkpoints() {
      await alive();
      return disk.checkpoints.map(({ sequence, at, text }) => ({ sequence, at, bytes: Buffer.byteLength(text) }));
    },
    async readCheckpoint(sequence) {
      await alive();
      return disk.checkpoints.find((checkpoint) => checkpoint.sequence === sequence)?.text ?? null;
    },
    dropCheckpoint: (sequence) =>
      change({ kind: "checkpoint", sequence }, () => {
        disk.checkpoints = disk.checkpoints.filter((checkpoint) => checkpoint.sequence !== sequence);
      }),
    async prune(pruning) {
      let pruned = { patches: 0, contents: 0, answers: 0, bytes: 0, more: false };
      await change({ kind: "prune" }, () => {
        pruned = pruneShelf(disk, pruning, clock?.wall() ?? 0);
      });
      return pruned;
    },
    async measure() {
      await alive();
      const patchesBytes = patchesBytesOf(disk);
      return { bytes: disk.events.reduce((sum, { json }) => sum + Buffer.byteLength(json), 0), patchesBytes };
    },
    async linesWithContent(dataset, contentHash) {
      await alive();
      const patched = [...(disk.patchContents.get(dataset) ?? [])].filter(([, hashes]) => hashes.has(contentHash));
      const publishes = new Set(disk.contents.get(contentKey(dataset, contentHash)));
      for (const [publish] of patched) publishes.add(publish);
      return [...publishes].sort((a, b) => a - b);
    },
    putContents: (dataset, publish, contentHashes) =>
      change({ kind: "contents" }, () => {
        for (const contentHash of contentHashes) putPatchContent(disk, dataset, publish, contentHash);
      }),
    async remembered(key) {
      await alive();
      const answers = [disk.answers.get(key), disk.patchAnswers.get(key)].filter(
        (answer) => answer !== undefined && !isForgotten(answer, clock),
      );
      return answers.sort((a, b) => (b?.at ?? 0) - (a?.at ?? 0))[0];
    },
    async getDocument(name) {
      await alive();
      return disk.documents.get(name);
    },
    putDocument: (name, json) => change({ kind: "document", name }, () => void disk.documents.set(name, json)),
    deleteDocument: (name) => change({ kind: "document", name }, () => void disk.documents.delete(name)),
    close() {
      closing ??= last;
      return closing;
    },
  };

  return {
    log,
    blobs: {
      ...disk.blobs,
      put: (name, bytes) => change({ kind: "blob", name }, () => disk.blobs.put(name, bytes)),
      delete: (name) => change({ kind: "blob", name }, () => disk.blobs.delete(name)),
    },
    async tidy() {
      await alive();
      const names = await disk.blobs.list();
      const sizes = names.map((name) => disk.blobs.open(name).bytes);
      return { blobs: names.length, bytes: sizes.reduce((sum, bytes) => sum + bytes, 0) };
    },
    close: () => log.close(),
    crash() {
      crashed = true;
    },
  };
}

function assertExpected(disk: MemoryDisk, { expected }: Append): void {
  const last = disk.events.length;
  if (expected === last) return;
  throw new SluiceError("CONFLICT", `event ${expected} is not the last of the log, ${last} is`, {
    details: { expected, last },
  });
}

function keep(disk: MemoryDisk, { events, answers }: Append, clock: Pick<Clock, "wall"> | undefined): void {
  const draft = draftOf(disk);
  // Everything that can throw comes before the first change, so that an append is there whole or not at all.
  const placed = events.map((logged) => ({ logged, ...placeEvent(draft.book, logged.event) }));
  draft.keep();
  for (const { logged, dataset, contents } of placed) {
    const control = !isPatchRow(logged.event);
    disk.events.push({ control, dataset, at: logged.at, json: JSON.stringify(logged) });
    summarise(disk, logged);
    for (const { publish, contentHash, patched } of contents) {
      if (patched) putPatchContent(disk, dataset ?? "", publish, contentHash);
      else putContent(disk, dataset ?? "", publish, contentHash);
    }
  }
  const toPatches = events.every(({ event }) => isPatchRow(event));
  for (const answer of answers) {
    const kept = toPatches ? disk.patchAnswers : disk.answers;
    // The newest stand last.
    kept.delete(answer.key);
    kept.set(answer.key, answer);
  }
  if (answers.length === 0) return;
  for (const answer of disk.answers.values()) if (isForgotten(answer, clock)) disk.answers.delete(answer.key);
}

function putContent(disk: MemoryDisk, dataset: string, publish: number, contentHash: string): void {
  const key = contentKey(dataset, contentHash);
  disk.contents.set(key, (disk.contents.get(key) ?? new Set()).add(publish));
}

function putPatchContent(disk: MemoryDisk, dataset: string, publish: number, contentHash: string): void {
  const its = disk.patchContents.get(dataset) ?? new Map<number, Set<string>>();
  disk.patchContents.set(dataset, its.set(publish, (its.get(publish) ?? new Set<string>()).add(contentHash)));
}

function placesOf(
  { events, prunedThrough }: MemoryDisk,
  type: "patched" | "rebased",
  { dataset, after, limit }: { dataset: string; after: number; limit: number },
): readonly LoggedEvent[] {
  const found: LoggedEvent[] = [];
  for (let index = Math.max(after, prunedThrough); index < events.length && found.length < limit; index++) {
    const event = events[index];
    if (event === undefined || event.control || event.dataset !== dataset) continue;
    const logged = parse(event);
    if (logged.event.type === type) found.push(logged);
  }
  return found;
}

function refusePruned({ prunedThrough: through }: MemoryDisk, after: number): void {
  if (after >= through) return;
  throw new SluiceError("PRUNED", `patches up to event ${through} were let go of`, { details: { after, through } });
}

function draftOf(disk: MemoryDisk): { book: LineBook; keep(): void } {
  const lines = new Map<string, Lines>();
  const releases = new Map<string, string>();
  const book: LineBook = {
    lines: (dataset) => lines.get(dataset) ?? disk.lines.get(dataset) ?? { stable: null, candidate: null },
    setLines: (dataset, both) => void lines.set(dataset, both),
    datasetOfRelease: (release) => releases.get(release) ?? disk.releases.get(release) ?? null,
    setRelease: (release, dataset) => void releases.set(release, dataset),
  };
  return {
    book,
    keep() {
      for (const [dataset, both] of lines) disk.lines.set(dataset, both);
      for (const [release, dataset] of releases) disk.releases.set(release, dataset);
    },
  };
}

function isForgotten({ at }: RememberedAnswer, clock: Pick<Clock, "wall"> | undefined): boolean {
  return clock !== undefined && at <= clock.wall() - rememberedMs;
}

function contentKey(dataset: string, contentHash: string): string {
  return `${dataset} ${contentHash}`;
}

function parse(event: StoredEvent | undefined): LoggedEvent {
  return JSON.parse(event?.json ?? "null") as LoggedEvent;
}
