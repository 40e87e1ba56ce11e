import { type Clock, type LoggedEvent, SluiceError } from "@sluice/core";
import { type Blobs, createMemoryBlobs } from "@sluice/replica";
import { type LineBook, type Lines, placeEvent } from "./line-book.ts";
import { assertNumbered } from "./numbering.ts";
import { type Append, type EventLog, type RememberedAnswer, rememberedMs, type Store } from "./port.ts";

interface StoredEvent {
  readonly control: boolean;
  readonly dataset: string | null;
  readonly json: string;
}

/** What a crash leaves: everything that was durable, as plain values. Belongs to one store at a time. */
export interface MemoryDisk {
  /** Id of the log; null before the first store. */
  logId: string | null;
  /** `events[i]` has sequence number `i + 1`. */
  readonly events: StoredEvent[];
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
        yield parse(disk.events[index]);
        await alive();
      }
    },
    async readControl({ after, dataset, limit }) {
      await alive();
      const of = disk.events
        .slice(after ?? 0)
        .filter((event) => event.control && (dataset === undefined || event.dataset === dataset));
      return (after === undefined ? of.slice(Math.max(0, of.length - limit)) : of.slice(0, limit)).map(parse);
    },
    async linesWithContent(dataset, contentHash) {
      await alive();
      return [...(disk.contents.get(contentKey(dataset, contentHash)) ?? [])].sort((a, b) => a - b);
    },
    async remembered(key) {
      await alive();
      const answer = disk.answers.get(key);
      return answer === undefined || isForgotten(answer, clock) ? undefined : answer;
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
    disk.events.push({ control: logged.event.type !== "patched", dataset, json: JSON.stringify(logged) });
    for (const { publish, contentHash } of contents) {
      const key = contentKey(dataset ?? "", contentHash);
      disk.contents.set(key, (disk.contents.get(key) ?? new Set()).add(publish));
    }
  }
  for (const answer of answers) disk.answers.set(answer.key, answer);
  if (answers.length === 0) return;
  for (const answer of disk.answers.values()) if (isForgotten(answer, clock)) disk.answers.delete(answer.key);
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
