import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cases, createCases } from "./processes/case.ts";
import { type Instance, startInstance } from "./processes/instance.ts";
import { writeNdjson } from "./data/items.ts";

/** Directories, data and processes that suites share; all are gone after `clear`. */
export interface Stage {
  readonly cases: Cases;
  /** A new empty directory. */
  directory(name: string): string;
  /** The file of all items; edition 0 is the first, each later one changes 1 % of them. */
  ndjson(edition?: number): string;
  /** An instance over a copy of a directory into which `prices` was published. */
  instance(): Promise<Instance>;
  /** The same with flags of its own, and the directory. */
  instanceIn(flags: readonly string[]): Promise<{ readonly instance: Instance; readonly directory: string }>;
  /** A new instance over an empty directory. */
  emptyInstance(): Promise<Instance>;
  /** Ends a resource with the others, unless it was ended before. */
  keep<T extends { end(): Promise<void> }>(resource: T): T;
  /** Ends every process that was started since the last time. */
  rest(): Promise<void>;
  clear(): Promise<void>;
}

/** Makes a stage under the machine's temporary directory. */
export function createStage(items: number, say: (text: string) => void): Stage {
  const root = mkdtempSync(join(tmpdir(), "sluice-bench-"));
  const cases = createCases();
  const kept = new Set<{ end(): Promise<void> }>();
  const files = new Map<number, string>();
  let published: Promise<string> | undefined;
  let directories = 0;

  const stage: Stage = {
    cases,
    directory(name) {
      directories++;
      const path = join(root, `${directories}-${name}`);
      mkdirSync(path);
      return path;
    },
    ndjson(edition = 0) {
      const known = files.get(edition);
      if (known !== undefined) return known;
      const path = join(root, `edition-${edition}.ndjson`);
      say(`writes ${items.toLocaleString("en")} items`);
      writeNdjson(path, items, edition);
      files.set(edition, path);
      return path;
    },
    instance: async () => (await stage.instanceIn([])).instance,
    async instanceIn(flags) {
      published ??= publish();
      const directory = stage.directory("origin");
      cpSync(await published, directory, { recursive: true });
      return { instance: stage.keep(await startInstance(directory, flags)), directory };
    },
    emptyInstance: async () => stage.keep(await startInstance(stage.directory("origin"))),
    keep(resource) {
      kept.add(resource);
      return resource;
    },
    async rest() {
      await cases.clear();
      await Promise.all([...kept].map((each) => each.end()));
      kept.clear();
    },
    async clear() {
      await stage.rest();
      rmSync(root, { recursive: true, force: true });
    },
  };

  async function publish(): Promise<string> {
    const directory = stage.directory("published");
    const instance = stage.keep(await startInstance(directory));
    try {
      await instance.post("/v1/datasets", { name: "prices" });
      const file = stage.ndjson();
      say("publishes them");
      await instance.publish("prices", file);
    } finally {
      await instance.end();
    }
    return directory;
  }

  return stage;
}
