import type { Actor, Check, Command, JsonValue, NamespaceState, ReleaseRequest, VirtualClock } from "@sluice/core";
import { canonicalJson, createContentHash, createVirtualClock, defaultPlan, emptyState, itemHash } from "@sluice/core";
import type { PatchItem, PublishAnswer } from "@sluice/core/api";
import { createLines, createShelf, type DatasetLines } from "@sluice/replica";
import { pino } from "pino";
import { type Commands, createCommands } from "../commands.ts";
import { buildPatch } from "../patcher.ts";
import { createPublisher, type Publisher } from "../publisher.ts";
import { createMemoryStore, type MemoryStore, type MemoryStoreOptions } from "../store/memory-store.ts";
import type { PublisherDependencies, Upload } from "./port.ts";

/** A person that tests act as. */
export const mei: Actor = { kind: "person", name: "mei" };

/** Starts a release at once. */
export const release: ReleaseRequest = { thousandths: null, supersede: false, acceptQuarantined: false };

/** An origin without routes: the real command shell, lines and publisher over a store in memory. */
export interface SampleOrigin {
  readonly store: MemoryStore;
  readonly commands: Commands;
  readonly publisher: Publisher;
  readonly clock: VirtualClock;
  /** The spool's turns of the event loop so far. */
  turns(): number;
  state(): NamespaceState;
  lines(dataset?: string): DatasetLines;
  /** Gives a command as mei. */
  give(command: Command): Promise<NamespaceState>;
  createDataset(options?: { name?: string; policy?: "immediate" | "canary"; checks?: readonly Check[] }): Promise<void>;
  /** Publishes items to `prices`. */
  publish(items: Items | string, options?: Partial<Upload>): Promise<PublishAnswer>;
  /** Patches `prices`. */
  patch(...items: PatchItem[]): Promise<NamespaceState>;
  /** Reverts what runs or bakes on `prices`. */
  revert(): Promise<NamespaceState>;
}

/** Key to value. */
export type Items = Readonly<Record<string, JsonValue>>;

/** Makes an origin with nothing in it. */
export function createSampleOrigin(
  options: Partial<PublisherDependencies> & Pick<MemoryStoreOptions, "fate"> = {},
): SampleOrigin {
  const { fate, ...given } = options;
  const clock = createVirtualClock();
  const logger = pino({ level: "silent" });
  const store = createMemoryStore({ id: "log-1", ...(fate === undefined ? {} : { fate }) });
  const { log, blobs } = store;
  const shelf = createShelf({ blobs, clock });
  const lines = createLines({ shelf });
  const commands = createCommands({ log, clock, logger, initial: emptyState, lines });
  let turns = 0;
  const publisher = createPublisher({
    commands,
    blobs,
    log,
    spoolDirectory: null,
    clock,
    random: seededRandom(1),
    logger,
    yieldNow: async () => {
      turns++;
    },
    ...given,
  });
  const give = async (command: Command): Promise<NamespaceState> =>
    (await commands.execute({ by: mei, command })).state;
  return {
    store,
    commands,
    publisher,
    clock,
    turns: () => turns,
    state: () => commands.state(),
    lines: (dataset = "prices") => commands.lines(dataset),
    give,
    async createDataset({ name = "prices", policy = "canary", checks = [] } = {}) {
      await give({ type: "create-dataset", dataset: name, policy, plan: defaultPlan, checks });
    },
    publish: (items, upload = {}) =>
      publisher.publish({ ...uploadOf(typeof items === "string" ? items : ndjsonOf(items)), ...upload }),
    patch: async (...items) =>
      (
        await commands.execute({
          by: mei,
          build: (working) => buildPatch(working.lines("prices"), working.state, "prices", { items, line: null }),
        })
      ).state,
    revert: () => give({ type: "revert", target: { dataset: "prices" }, cause: { reason: "it hurt", evidence: null } }),
  };
}

/** An origin with the canary dataset `prices`. */
export async function originWith(...options: Parameters<typeof createSampleOrigin>): Promise<SampleOrigin> {
  const origin = createSampleOrigin(...options);
  await origin.createDataset();
  return origin;
}

/** An upload of a text by mei to `prices`, which the dataset's policy decides on. */
export function uploadOf(text: string): Upload {
  return { dataset: "prices", by: mei, body: bodyOf(text), format: "ndjson", request: null, source: null };
}

/** A text as a body in pieces of a few kilobytes. */
export async function* bodyOf(text: string): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; start += 5_000) yield bytes.subarray(start, start + 5_000);
}

/** Items as NDJSON. */
export function ndjsonOf(items: Items): string {
  return Object.entries(items)
    .map(([key, value]) => `${JSON.stringify({ key, value })}\n`)
    .join("");
}

/** The content hash of items, from scratch. */
export function contentHashOf(items: Items): string {
  const sum = createContentHash();
  for (const [key, value] of Object.entries(items)) sum.add(itemHash(key, canonicalJson(value)));
  return sum.hex();
}

/** The items of a line, read one by one. */
export function itemsOf(version: DatasetLines["stable"]): Items {
  return Object.fromEntries(
    [...(version?.entries() ?? [])].map(([key]) => [key, JSON.parse(version?.get(key) ?? "null") as JsonValue]),
  );
}

/** So many items `sku-0`, `sku-1`, …, of which `value` makes the value. */
export function itemsNumbered(count: number, value: (index: number) => JsonValue): Items {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`sku-${index}`, value(index)]));
}

function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    // Numerical Recipes' linear congruential generator: enough to tell ids apart.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}
