import { createVirtualClock, emptyOverlay, isSluiceError, type JsonValue } from "@sluice/core";
import { contentSchema, deltaSchema, type Frame } from "@sluice/core/api";
import { createFrameReader } from "../../../packages/replica/src/frame-stream.ts";
import { createHolding } from "../../../packages/replica/src/holding.ts";
import { createHereBook } from "../../../packages/replica/src/here-book.ts";
import { createMarkBook } from "../../../packages/replica/src/mark-book.ts";
import { createShelf } from "../../../packages/replica/src/shelf.ts";
import { encodeFrame } from "../../../sidecar/src/followers/encode.ts";
import type { Random } from "../../simulation/random.ts";
import { mutateBytes } from "../mutate-bytes.ts";
import { mutateJson } from "../mutate-json.ts";
import { createSampleLog, type SampleLog } from "../sample-log.ts";
import { chunksOf, mayRefuse, type Target } from "../target.ts";

/** What comes over a follow stream: frames, and by themselves the deltas and contents that they carry. */
export async function createWireTargets(): Promise<readonly Target[]> {
  const log = await createSampleLog();
  return [framesTarget(log), deltaTarget(log)];
}

function framesTarget(log: SampleLog): Target {
  const encoded = log.frames.map(encodeFrame);
  return {
    name: "frames",
    weight: 12,
    input: (random) => framesInput(random, log.frames, encoded),
    async take(input) {
      const clock = createVirtualClock();
      const holding = createHolding({
        shelf: createShelf({ blobs: log.blobs, clock }),
        marks: createMarkBook(null),
        hereBook: createHereBook(null),
        datasets: null,
        eventsMax: 100,
        onSwap: () => {},
        onStep: () => {},
      });
      try {
        const reader = await createFrameReader((frame, bytes) => {
          if (frame.type === "state") holding.reset("log-1", frame);
          else if (frame.type === "events") holding.fold(frame.events, bytes);
          else if (frame.type === "mark") holding.mark(frame.mark);
        }, 100_000);
        for (const chunk of chunksOf(input)) reader.push(chunk);
      } catch (error) {
        mayRefuse(error, (its) => isSluiceError(its));
      }
      for (const { stable, candidate } of holding.snapshot().datasets.values()) {
        for (const version of [stable, candidate]) if (version !== null) readVersion(version, log.keys);
      }
      JSON.stringify(holding.lines.pack());
    },
    bytesMax: (inputBytes) => 2_000_000 + 64 * inputBytes,
  };
}

function framesInput(random: Random, frames: readonly Frame[], encoded: readonly Uint8Array[]): Uint8Array {
  const mutant = random.int(frames.length);
  const chosen = frames.map((frame, index) => {
    if (index !== mutant || random.chance(0.2)) return encoded[index] as Uint8Array;
    const { type, ...data } = frame;
    const changed = mutateJson(random, data as unknown as JsonValue);
    return Buffer.from(`event: ${type}\ndata: ${JSON.stringify(changed)}\n\n`);
  });
  if (random.chance(0.2)) chosen.splice(random.int(chosen.length), 1);
  if (random.chance(0.1)) chosen.push(random.pick(encoded));
  const stream = Buffer.concat(chosen);
  return random.chance(0.3) ? mutateBytes(random, stream, encoded) : stream;
}

function deltaTarget(log: SampleLog): Target {
  const contents = Object.values(log.contents).flatMap(({ stable, candidate }) => [stable, candidate]);
  const seeds = contents.filter((content) => content !== null);
  return {
    name: "delta",
    weight: 12,
    input: (random) => Buffer.from(JSON.stringify(mutateJson(random, random.pick(seeds) as unknown as JsonValue))),
    take(input) {
      const parsed = contentSchema.safeParse(JSON.parse(Buffer.from(input).toString("utf8")));
      if (!parsed.success) return;
      const shelf = createShelf({ blobs: log.blobs, clock: createVirtualClock() });
      try {
        const { overlay } = parsed.data;
        if (overlay !== null)
          for (const [key] of emptyOverlay.with(deltaSchema.parse(overlay), 1).entries()) key.trim();
        if (shelf.missing(parsed.data.base).length > 0) return;
        const version = shelf.open(parsed.data, 7);
        readVersion(version, log.keys);
        shelf.rebase(version, parsed.data.base, 7);
        readVersion(shelf.unpack(shelf.pack(version)), log.keys);
        version.measure({ set: [["sku-1", "{"]], remove: ["sku-1", "\ud800"] });
      } catch (error) {
        mayRefuse(error, (its) => isSluiceError(its));
      }
    },
    bytesMax: (inputBytes) => 1_000_000 + 64 * inputBytes,
  };
}

/** Reads whatever a version has. Damage is an answer. */
function readVersion(
  version: { get(key: string): string | undefined; entries(): Iterable<readonly [string, string]> },
  keys: readonly string[],
): void {
  try {
    for (const key of keys) version.get(key);
    for (const [key] of version.entries()) version.get(key);
  } catch (error) {
    mayRefuse(error, (its) => isSluiceError(its));
  }
}
