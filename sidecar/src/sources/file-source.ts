import type { BigIntStats } from "node:fs";
import { open, stat } from "node:fs/promises";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Clock } from "@sluice/core";
import { isSluiceError, messageOf, SluiceError, sleep } from "@sluice/core";
import type { UploadFormat } from "../publisher.ts";
import { createIntake } from "./intake.ts";
import { createLoop } from "./loop.ts";
import type { Source, SourceDependencies } from "./port.ts";
import { type WatchFile, watchFile } from "./watch.ts";

/** For how long a file has to stay as it is before it is read, in milliseconds. */
export const settleMs = 250;

const pieceBytes = 64 * 1024;

/** What a source that is watched needs. */
export interface FileSourceDependencies extends SourceDependencies {
  /** Default: `node:fs` watch on the file's directory. */
  readonly watch?: WatchFile;
}

/**
 * A source that is a file: looked at when its directory says so, and every `intervalMs` in case it did not. It is read when size and
 * time have stood still; one that changes while it is read is read again. `.json` is one object, everything else NDJSON.
 */
export function createFileSource(dependencies: FileSourceDependencies): Source {
  const { definition, clock, watch = watchFile } = dependencies;
  const intake = createIntake(dependencies);
  let loaded = false;
  let watched: { close(): void } | null = null;

  function watchAgain(path: string): void {
    watched ??= watch(
      path,
      () => loop.poke(),
      () => {
        watched = null;
      },
    );
  }

  async function look(signal: AbortSignal): Promise<void> {
    if (!loaded) await intake.load();
    loaded = true;
    const path = pathOf(definition.url);
    watchAgain(path);
    for (;;) {
      const stamp = await settledStamp(path, intake.validators()?.etag ?? null, clock, signal);
      if (stamp === null) return intake.unchanged();
      try {
        const validators = { etag: stamp, lastModified: null };
        return await intake.take({ body: readFile(path, stamp), format: formatOf(path), validators }, signal);
      } catch (error) {
        // Written to while it was read: the file is not broken, it is not ready.
        if (signal.aborted || (await stampOf(path)) === stamp) throw error;
      }
    }
  }

  const loop = createLoop({
    clock,
    turn: look,
    onError: (error) => intake.fail(error, "failing"),
    pauseMs: () => definition.intervalMs,
  });
  return {
    ...loop,
    status: () => intake.status(),
    async close() {
      watched?.close();
      await loop.close();
    },
  };
}

/** The stamp of a file that stands still; null where it is the known one. Throws SOURCE_FAILED or CLOSED. */
async function settledStamp(
  path: string,
  known: string | null,
  clock: Clock,
  signal: AbortSignal,
): Promise<string | null> {
  for (let stamp = await stampOf(path); ; ) {
    if (stamp === known) return null;
    await sleep(clock, settleMs, { signal });
    if (signal.aborted) throw new SluiceError("CLOSED", "the source was closed");
    const later = await stampOf(path);
    if (later === stamp) return stamp;
    stamp = later;
  }
}

/** What changes with a file: which file it is, its size and its time in nanoseconds. */
async function stampOf(path: string): Promise<string> {
  let stats: BigIntStats;
  try {
    stats = await stat(path, { bigint: true });
  } catch (error) {
    throw failed(path, error);
  }
  // A pipe would wait for ever.
  if (!stats.isFile()) throw new SluiceError("SOURCE_FAILED", `expected a file at ${path}, came something else`);
  return `${stats.ino}-${stats.size}-${stats.mtimeNs}`;
}

/** The file from its beginning; throws SOURCE_FAILED at its end where it is not any more what the stamp says. */
async function* readFile(path: string, stamp: string): AsyncGenerator<Uint8Array> {
  const file = await open(path).catch((error: unknown) => {
    throw failed(path, error);
  });
  try {
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(pieceBytes), 0, pieceBytes);
      if (bytesRead === 0) break;
      yield buffer.subarray(0, bytesRead);
    }
    if ((await stampOf(path)) !== stamp) throw new SluiceError("SOURCE_FAILED", `${path} changed while it was read`);
  } finally {
    await file.close();
  }
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new SluiceError("SOURCE_FAILED", `expected the URL of a file on this host, came ${url}`, { cause: error });
  }
}

function formatOf(path: string): UploadFormat {
  return extname(path).toLowerCase() === ".json" ? "object" : "ndjson";
}

function failed(path: string, error: unknown): SluiceError {
  if (isSluiceError(error)) return error;
  const reason = messageOf(error);
  return new SluiceError("SOURCE_FAILED", `${path} cannot be read: ${reason}`, { cause: error });
}
