import { hash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVirtualClock, emptyState, isSluiceError, type JsonValue } from "@sluice/core";
import { blobsOf, validateCheckpoint } from "@sluice/replica";
import { type Checkpoint, covers, createCheckpoints } from "../../../packages/replica/src/checkpoint.ts";
import { createHolding } from "../../../packages/replica/src/holding.ts";
import { createLines } from "../../../packages/replica/src/lines.ts";
import { createHereBook } from "../../../packages/replica/src/here-book.ts";
import { createMarkBook } from "../../../packages/replica/src/mark-book.ts";
import { createMarkFiles } from "../../../packages/replica/src/mark-files.ts";
import { createRecordFile } from "../../../packages/replica/src/record-file.ts";
import { createShelf } from "../../../packages/replica/src/shelf.ts";
import { checkpointText, parseCheckpoint } from "../../../sidecar/src/origin-checkpoint.ts";
import { countShared, createChangeList } from "../../../sidecar/src/publish/changes.ts";
import type { Random } from "../../simulation/random.ts";
import { mutateBytes } from "../mutate-bytes.ts";
import { mutateJson } from "../mutate-json.ts";
import { createSampleLog, type SampleLog } from "../sample-log.ts";
import { chunksOf, mayRefuse, type Target } from "../target.ts";

/** What lies on disks: a follower's position and marks, an origin's checkpoint. */
export async function createDiskTargets(): Promise<readonly Target[]> {
  const log = await createSampleLog();
  const directory = mkdtempSync(join(tmpdir(), "sluice-fuzz-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  return [positionTarget(log, directory), marksTarget(directory), checkpointTarget(log), changesTarget()];
}

function positionTarget(log: SampleLog, directory: string): Target {
  const record = { format: "sluice replica 2", protocol: 2, log: "log-1", datasets: null, marks: [] };
  const seed = { ...record, state: log.state, lines: log.packed } as unknown as JsonValue;
  const path = join(directory, "position");
  return {
    name: "position",
    weight: 2,
    input: (random) => sealedInput(random, seed),
    async take(input) {
      writeFileSync(path, input);
      const clock = createVirtualClock();
      const none = { capture: () => null, onWritten: () => {}, onError: () => {} };
      try {
        const checkpoint = await createCheckpoints({ file: createRecordFile(path, "own"), clock, ...none }).load();
        if (checkpoint !== null) await restore(checkpoint, log);
      } catch (error) {
        mayRefuse(error, (its) => isSluiceError(its));
      }
    },
    bytesMax: (inputBytes) => 2_000_000 + 64 * inputBytes,
  };
}

/** As a follower takes it: served first, held to the schemas after that. */
async function restore(checkpoint: Checkpoint, log: SampleLog): Promise<void> {
  const clock = createVirtualClock();
  const none = { datasets: null, eventsMax: 0, onSwap: () => {}, onStep: () => {} };
  const shelf = createShelf({ blobs: log.blobs, clock });
  const holding = createHolding({ shelf, marks: createMarkBook(null), hereBook: createHereBook(null), ...none });
  blobsOf(checkpoint);
  covers(checkpoint, ["prices"]);
  holding.restore(checkpoint);
  await validateCheckpoint(checkpoint);
}

function marksTarget(directory: string): Target {
  const path = join(directory, "marks.other.1");
  const seed = [
    { release: "prices-4-a", at: 1, sequence: null },
    { release: "prices-8-b", at: 2, sequence: 7 },
  ];
  return {
    name: "marks",
    weight: 2,
    input: (random) => sealedInput(random, seed),
    async take(input) {
      writeFileSync(path, input);
      try {
        const book = createMarkBook(createMarkFiles(directory, "own"));
        await book.load();
        book.settle(emptyState);
        book.inForce(emptyState);
        for (const { release, at } of book.marks()) {
          if (typeof release !== "string" || typeof at !== "number") throw new Error("a mark that is none");
        }
      } catch (error) {
        mayRefuse(error, (its) => isSluiceError(its));
      }
    },
    bytesMax: (inputBytes) => 1_000_000 + 64 * inputBytes,
  };
}

/** A record file: as it was, changed by bytes, or changed and sealed again so that only the text is wrong. */
function sealedInput(random: Random, value: JsonValue): Uint8Array {
  const text = JSON.stringify(random.chance(0.7) ? mutateJson(random, value) : value);
  const changed = random.chance(0.2) ? mutateBytes(random, Buffer.from(text), [Buffer.from(text)]) : Buffer.from(text);
  const body = Buffer.concat([changed, Buffer.from("\n")]);
  const sealed = Buffer.concat([body, Buffer.from(`${hash("sha256", body)}\n`)]);
  return random.chance(0.2) ? mutateBytes(random, sealed, [sealed]) : sealed;
}

function checkpointTarget(log: SampleLog): Target {
  const text = checkpointText({ state: log.state, lines: log.packed });
  const seed = JSON.parse(text) as JsonValue;
  return {
    name: "checkpoint",
    weight: 6,
    input: (random) =>
      random.chance(0.8)
        ? Buffer.from(JSON.stringify(mutateJson(random, seed)))
        : mutateBytes(random, Buffer.from(text), [Buffer.from(text)]),
    async take(input) {
      try {
        const checkpoint = await parseCheckpoint(Buffer.from(input).toString("utf8"));
        const lines = createLines({ shelf: createShelf({ blobs: log.blobs, clock: createVirtualClock() }) });
        lines.unpack(checkpoint.lines);
      } catch (error) {
        mayRefuse(error, (its) => isSluiceError(its));
      }
    },
    bytesMax: (inputBytes) => 2_000_000 + 64 * inputBytes,
  };
}

function changesTarget(): Target {
  const seeds = [0, 1, 9, 60].map((count) => {
    const list = createChangeList();
    for (let index = 0; index < count; index++)
      list.add(`sku-${index}`, index % 3 === 0 ? null : Buffer.from(`${index}`));
    return list.bytes();
  });
  const ours = seeds.at(-1) as Uint8Array;
  return {
    name: "changes",
    weight: 6,
    input: (random) => mutateBytes(random, random.pick(seeds), seeds),
    take(input) {
      try {
        const shared = countShared([ours], chunksOf(input), new Set());
        if (shared < 0 || shared > 60) throw new Error(`${shared} shared changes of 60`);
      } catch (error) {
        mayRefuse(error, (its) => isSluiceError(its, "CORRUPT"));
      }
    },
    bytesMax: (inputBytes) => 1_000_000 + 64 * inputBytes ** 2,
  };
}
