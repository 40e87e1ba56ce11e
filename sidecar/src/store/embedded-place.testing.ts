import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { createVirtualClock } from "@sluice/core";
import { afterEach, beforeEach } from "vitest";
import { type EmbeddedStoreOptions, openEmbeddedStore } from "./embedded-store.ts";
import { startLogWorker } from "./log-worker.ts";
import type { Store } from "./port.ts";

/** The directory of the test that runs. */
export interface EmbeddedPlace {
  readonly directory: string;
  /** Where the log is. */
  readonly file: string;
  /** The threads of the stores that were opened with `startWorker`, in the order in which they began. */
  readonly workers: readonly Worker[];
  readonly startWorker: () => Worker;
  /** Opens a store, which is closed after the test. */
  readonly open: (options?: Partial<EmbeddedStoreOptions>) => Promise<Store>;
}

/** Makes an empty directory before each test of the file, and removes it after it. */
export function useEmbeddedPlace(): EmbeddedPlace {
  let directory: string;
  let opened: Store[];
  let workers: Worker[];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "sluice-store-"));
    opened = [];
    workers = [];
  });

  afterEach(async () => {
    for (const store of opened) await store.close();
    rmSync(directory, { recursive: true });
  });

  return {
    get directory() {
      return directory;
    },
    get file() {
      return join(directory, "log.sqlite");
    },
    get workers() {
      return workers;
    },
    startWorker() {
      const worker = startLogWorker();
      workers.push(worker);
      return worker;
    },
    async open(options = {}) {
      const store = await openEmbeddedStore({
        directory,
        clock: createVirtualClock(),
        newLogId: () => "log-1",
        ...options,
      });
      opened.push(store);
      return store;
    },
  };
}
