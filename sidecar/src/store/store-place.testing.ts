import { createVirtualClock, type LoggedEvent, type VirtualClock } from "@sluice/core";
import { afterEach, beforeEach } from "vitest";
import type { Pruned, Pruning, RememberedAnswer, Store } from "./port.ts";
import { readEvents } from "./sample-events.ts";

/** One place that stores are opened in, one after the other. */
export interface StorePlace {
  open(): Promise<Store>;
  remove(): Promise<void>;
}

/** Makes an empty place whose stores read their time from the clock. */
export type CreatePlace = (clock: VirtualClock) => Promise<StorePlace>;

/** The store of the test that runs, and what tests do with it again and again. */
export interface TestStore {
  readonly clock: VirtualClock;
  readonly log: Store["log"];
  readonly blobs: Store["blobs"];
  readonly close: () => Promise<void>;
  readonly reopen: () => Promise<void>;
  /** Expects the log to end before the first event. */
  readonly append: (events: readonly LoggedEvent[], answers?: readonly RememberedAnswer[]) => Promise<void>;
  readonly readAll: (after?: number, limit?: number) => Promise<LoggedEvent[]>;
  readonly sequences: (after: number) => Promise<number[]>;
  readonly checkpoint: (sequence: number, text?: string) => Promise<void>;
  /** Prunes until nothing is left to do. What is not said stays. */
  readonly prune: (pruning?: Partial<Pruning>) => Promise<Pruned>;
}

/** Opens a store in an empty place before each test of the suite, and removes both after it. */
export function useStore(createPlace: CreatePlace): TestStore {
  let clock: VirtualClock;
  let place: StorePlace;
  let store: Store;

  beforeEach(async () => {
    clock = createVirtualClock();
    place = await createPlace(clock);
    store = await place.open();
  });

  afterEach(async () => {
    await store.close();
    await place.remove();
  });

  const readAll: TestStore["readAll"] = (after = 0, limit) => readEvents(store.log, after, limit);
  return {
    get clock() {
      return clock;
    },
    get log() {
      return store.log;
    },
    get blobs() {
      return store.blobs;
    },
    close: () => store.close(),
    async reopen() {
      await store.close();
      store = await place.open();
    },
    append: (events, answers = []) => store.log.append({ expected: (events[0]?.sequence ?? 1) - 1, events, answers }),
    readAll,
    sequences: async (after) => (await readAll(after)).map(({ sequence }) => sequence),
    checkpoint: (sequence, text = `state at ${sequence}`) =>
      store.log.putCheckpoint({ sequence, at: 1_000 * sequence, text }),
    prune: (pruning = {}) => pruneAll(store, { ...nothingGoes, ...pruning }),
  };
}

/** Prunes until nothing is left to do. */
export async function pruneAll({ log }: Pick<Store, "log">, pruning: Pruning): Promise<Pruned> {
  const sum = { patches: 0, contents: 0, answers: 0, bytes: 0 };
  for (;;) {
    const { more, ...step } = await log.prune(pruning);
    for (const key of ["patches", "contents", "answers", "bytes"] as const) sum[key] += step[key];
    if (!more) return { ...sum, more };
  }
}

const nothingGoes: Pruning = {
  patchesBefore: 0,
  patchesAfter: Number.MAX_SAFE_INTEGER,
  patchesBytesMax: 2 ** 40,
  patchAnswersMax: 2 ** 40,
  lines: { controlSequence: -1, publishes: {} },
  roomBytesMax: 2 ** 40,
};
