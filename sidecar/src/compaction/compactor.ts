import type { BaseRef, Clock, CompactionLimits, CompactionStep, LayerRef, PartRef, Timer } from "@sluice/core";
import {
  addLayer,
  assert,
  type BuiltLayer,
  createContentHash,
  filesOfBase,
  defaultCompactionLimits,
  isFlushDue,
  isSluiceError,
  itemHash,
  type LayerItem,
  mergedRef,
  nextCompaction,
  own,
  replaceLayers,
  SluiceError,
  sumOfBase,
} from "@sluice/core";
import type { DatasetLines, ReadableVersion } from "@sluice/replica";
import type { Logger } from "pino";
import type { BlobKeeper } from "../blob-keeper.ts";
import type { Commands } from "../commands.ts";
import type { Workshop } from "./workshop.ts";

/** Keeps overlays small and layers few while patches go on. */
export interface Compactor {
  /** Looks at every line, as after a start. */
  start(): void;
  /** Ends when nothing is at work; files that came to no event are left to the sweeper. */
  close(): Promise<void>;
}

/** What a compactor needs. */
export interface CompactorDependencies {
  readonly commands: Pick<Commands, "state" | "lines" | "execute" | "subscribe">;
  /** Spares what is being written until an event names it. */
  readonly keeper: Pick<BlobKeeper, "blobs" | "during">;
  readonly workshop: Workshop;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly yieldNow: () => Promise<void>;
  readonly limits?: CompactionLimits;
  /** A line that is patched gets files of its own at least so often, in milliseconds, however little lies over them. Default: never. */
  readonly baseAgeMsMax?: number;
}

/** A workshop that has nothing to do is let go of after so long, in milliseconds: to start it takes longer than a flush. */
const idleMs = 30_000;

/** After a failure a dataset is left alone for so long, in milliseconds. */
const retryMs = 5_000;

/** Items of an overlay that are looked at without a turn for anybody else: about two milliseconds. */
const itemsPerTurn = 256;

/** A line and its version at one moment. */
interface Place {
  readonly dataset: string;
  readonly publish: number;
  readonly version: ReadableVersion;
}

const by = { kind: "origin", name: "compaction" } as const;

/**
 * Flushes overlays into layers, merges layers and folds them into parts, each dataset by itself. What is said in events changes no
 * content, so that it may be done at any time, and left at any point: files that no event names are swept.
 */
export function createCompactor(dependencies: CompactorDependencies): Compactor {
  const { commands, keeper, workshop, clock, logger, yieldNow, limits = defaultCompactionLimits } = dependencies;
  const { baseAgeMsMax = null } = dependencies;
  /** Since when something lies over the files of a line, by dataset and publish. */
  const laidOverMs = new Map<string, ReadonlyMap<number, number>>();
  let looking: Timer | undefined;
  /** What is at work on a dataset: flushes, and steps on what lies beneath, which take longer and go on beside them. */
  const flushing = new Map<string, Promise<void>>();
  const moving = new Map<string, Promise<void>>();
  const resting = new Map<string, Timer>();
  let idle: Timer | undefined;
  let closed = false;

  function placesOf(dataset: string): readonly Place[] {
    const state = own(commands.state().datasets, dataset);
    const lines: DatasetLines = commands.lines(dataset);
    return (["stable", "candidate"] as const).flatMap((line) => {
      const version = lines[line];
      const publish = state?.[line]?.publish;
      return version === null || publish === undefined ? [] : [{ dataset, publish, version }];
    });
  }

  function look(dataset: string): void {
    if (closed || resting.has(dataset)) return;
    const places = placesOf(dataset);
    const isAged = noteAge(dataset, places);
    if (!flushing.has(dataset) && (isAged || places.some(({ version }) => isFlushDue(version.overlaySize, limits)))) {
      run(flushing, dataset, () => flushAll(dataset));
    }
    if (!moving.has(dataset) && places.some(({ version }) => nextCompaction(version.base, limits) !== null)) {
      run(moving, dataset, () => moveAll(dataset));
    }
  }

  /** Whether the files of one of the lines are of so long ago that a version of it would be far from any. */
  function noteAge(dataset: string, places: readonly Place[]): boolean {
    if (baseAgeMsMax === null) return false;
    const known = laidOverMs.get(dataset);
    const now = new Map<number, number>();
    for (const { publish, version } of places) {
      if (version.overlaySize.items > 0) now.set(publish, known?.get(publish) ?? clock.now());
    }
    laidOverMs.set(dataset, now);
    return [...now.values()].some((sinceMs) => clock.now() - sinceMs >= baseAgeMsMax);
  }

  function lookAgain(everyMs: number): void {
    looking = clock.setTimer(everyMs, () => {
      for (const dataset of Object.keys(commands.state().datasets)) look(dataset);
      if (!closed) lookAgain(everyMs);
    });
  }

  function run(atWork: Map<string, Promise<void>>, dataset: string, work: () => Promise<void>): void {
    const done = keeper
      .during(work)
      .catch((error: unknown) => {
        if (closed || isSluiceError(error, "CLOSED")) return;
        logger.error({ err: error, dataset }, "patches could not be compacted; it is tried again");
        resting.set(
          dataset,
          clock.setTimer(retryMs, () => {
            resting.delete(dataset);
            look(dataset);
          }),
        );
      })
      .finally(() => {
        atWork.delete(dataset);
        look(dataset);
        if (flushing.size + moving.size === 0) becomeIdle();
      });
    atWork.set(dataset, done);
    idle?.cancel();
  }

  function becomeIdle(): void {
    if (!closed) idle = clock.setTimer(idleMs, () => void workshop.rest());
  }

  /** Both lines at once: what the same patches have laid over them is the same layer. */
  async function flushAll(dataset: string): Promise<void> {
    for (const place of placesOf(dataset)) {
      if (place.version.overlaySize.items === 0) continue;
      await tell(place, await flushed(place.version));
    }
  }

  /** The base of a version with its overlay as one more layer. */
  async function flushed(version: ReadableVersion): Promise<BaseRef> {
    const { base } = version;
    if (version.overlaySize.items === 0) return base;
    const items: LayerItem[] = [];
    const hidden = createContentHash();
    let hiddenItems = 0;
    for (const [key, canonical] of version.overlay()) {
      const old = version.getFromBase(key);
      if (old !== undefined) {
        hidden.add(itemHash(key, old));
        hiddenItems++;
      }
      items.push({ key, canonical: canonical ?? null });
      if (items.length % itemsPerTurn === 0) await yieldNow();
    }
    const layer = await keepLayer(await workshop.flush(items));
    return addLayer(base, layer, { contentHash: hidden.hex(), items: hiddenItems });
  }

  async function moveAll(dataset: string): Promise<void> {
    for (const place of placesOf(dataset)) {
      const step = nextCompaction(place.version.base, limits);
      if (step !== null) await move(place, step);
    }
  }

  async function move({ dataset, publish, version }: Place, step: CompactionStep): Promise<void> {
    const by =
      step.kind === "merge"
        ? { layer: mergedRef(await keepLayer(await workshop.merge(step.layers)), step.layers) }
        : { parts: await fold(version.base, step) };
    // Flushes went on meanwhile, on top of what was moved; none of them may fall between the look and the event.
    for (let flush = flushing.get(dataset); flush !== undefined; flush = flushing.get(dataset)) await flush;
    const finish = async (): Promise<void> => {
      const place = placesOf(dataset).find((its) => its.publish === publish);
      if (place === undefined) return;
      // The event names a version of this moment, which every follower still knows.
      const top = await flushed(place.version);
      await tell(place, replaceLayers(top, step, by));
    };
    const finishing = finish();
    const over = finishing.catch(() => {}).finally(() => void flushing.delete(dataset));
    flushing.set(dataset, over);
    await finishing;
    await over;
  }

  async function fold(base: BaseRef, step: Extract<CompactionStep, { kind: "fold" }>): Promise<readonly PartRef[]> {
    const parts: PartRef[] = [];
    for await (const folded of workshop.fold({ parts: base.parts, layers: step.layers }, step.partCount)) {
      for (const part of folded) {
        if ("kept" in part) {
          parts.push(part.kept);
          continue;
        }
        const { name, bytes, itemCount: items, contentHash } = part.built;
        await keeper.blobs.put(name, bytes);
        parts.push({ name, bytes: bytes.byteLength, items, contentHash });
      }
      if (closed) throw new SluiceError("CLOSED", "this instance is shutting down");
    }
    const before = sumOfBase({ parts: base.parts, layers: step.layers });
    const after = sumOfBase({ parts, layers: [] });
    assert(
      before.contentHash === after.contentHash && before.items === after.items,
      `folded parts come to ${after.items} items and ${after.contentHash}, what was folded to ${before.items} and ${before.contentHash}`,
    );
    return parts;
  }

  async function keepLayer(built: BuiltLayer): Promise<Omit<LayerRef, "hidden">> {
    const { name, bytes, recordCount: records, itemCount: items, contentHash } = built;
    await keeper.blobs.put(name, bytes);
    return { name, bytes: bytes.byteLength, records, items, contentHash };
  }

  /** Says that a line stands on another base, which has the content of the version that was flushed. */
  async function tell({ dataset, publish, version }: Place, base: BaseRef): Promise<void> {
    const { number, contentHash, items } = version;
    const sum = sumOfBase(base);
    assert(
      sum.contentHash === contentHash && sum.items === items,
      `the base of v${number} comes to ${sum.items} items and ${sum.contentHash}, the version to ${items} and ${contentHash}`,
    );
    const missing = filesOfBase(base).find(({ name }) => !keeper.blobs.has(name));
    if (missing !== undefined) {
      // The line would stay where it is, and the next look would flush the same again, without end.
      throw new SluiceError(
        "STORE_UNAVAILABLE",
        `file ${missing.name} of ${dataset} is gone; it is read on, and not compacted`,
        {
          details: { blob: missing.name },
        },
      );
    }
    await commands.execute({ by, command: { type: "rebase", dataset, publish, number, base, contentHash, items } });
    laidOverMs.delete(dataset);
  }

  const unsubscribe = commands.subscribe({
    events(events) {
      const touched = new Set<string>();
      for (const { event } of events) {
        if ("dataset" in event && ["patched", "version-published", "version-restored"].includes(event.type))
          touched.add(event.dataset);
      }
      for (const dataset of touched) look(dataset);
    },
  });

  return {
    start() {
      if (baseAgeMsMax !== null) lookAgain(baseAgeMsMax / 2);
      for (const dataset of Object.keys(commands.state().datasets)) look(dataset);
    },
    async close() {
      closed = true;
      unsubscribe();
      idle?.cancel();
      looking?.cancel();
      for (const timer of resting.values()) timer.cancel();
      await Promise.all([...flushing.values(), ...moving.values()]);
      await workshop.rest();
    },
  };
}
