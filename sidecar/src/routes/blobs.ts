import type { Clock } from "@sluice/core";
import { heartbeatMs, SluiceError, sleep } from "@sluice/core";
import { hashSchema, paths, problemMediaType } from "@sluice/core/api";
import type { Blobs, OpenBlob } from "@sluice/replica";
import { Hono } from "hono";
import { parseInput, problemOf } from "../problems.ts";
import { tagsOf } from "./follow.ts";

/** How much of a blob is read at a time, in bytes. */
const chunkBytes = 262_144;

/** `private`: what is not released yet lies on every host, and no shared cache may show it to others. */
const cacheControl = "private, max-age=31536000, immutable";

/** For how long a request waits for a blob that is on its way here, in milliseconds: after three heartbeats' time it is given up. */
const arrivalMsMax = 2 * heartbeatMs;

/** What the route of blobs needs. */
export interface BlobRouteDependencies {
  readonly blobs: Blobs;
  /** Blobs that this instance fetches itself. */
  readonly arrivals?: {
    readonly clock: Clock;
    /** Ends when a blob that is being fetched has come, or is not wanted any more; null where it is not being fetched. */
    arrival(name: string): Promise<void> | null;
  };
}

/**
 * `GET /v1/blobs/:name`: part files and layers, whose names are the hash of their bytes. One that is on its way here is waited for:
 * followers hear of it at once. Where it takes too long, the answer is 503 with a `retry-after` of 0. Throws BLOB_UNKNOWN.
 */
export function createBlobRoutes({ blobs, arrivals }: BlobRouteDependencies): Hono {
  const app = new Hono();

  /** Whether the blob is here, or nobody knows of it. */
  async function isSettled(name: string, request: Request): Promise<boolean> {
    const arrival = blobs.has(name) ? null : (arrivals?.arrival(name) ?? null);
    if (arrivals === undefined || arrival === null) return true;
    const waited = new AbortController();
    const signal = AbortSignal.any([waited.signal, request.signal]);
    await Promise.race([arrival, sleep(arrivals.clock, arrivalMsMax, { signal })]);
    waited.abort();
    return blobs.has(name) || arrivals.arrival(name) === null;
  }

  app.get(paths.blob, async (context) => {
    const name = parseInput(hashSchema, context.req.param("name"), "the name of a blob");
    if (!(await isSettled(name, context.req.raw))) {
      const problem = problemOf(new SluiceError("NOT_READY", `blob ${name} is on its way here; ask again`));
      return context.body(JSON.stringify(problem), 503, { "content-type": problemMediaType, "retry-after": "0" });
    }
    const blob = blobs.open(name);
    // Only now: an error must not be kept for a year.
    const etag = `"${name}"`;
    context.header("etag", etag);
    context.header("cache-control", cacheControl);
    if (tagsOf(context.req.header("if-none-match")).includes(etag)) {
      blob.close();
      return context.body(null, 304);
    }
    context.header("content-type", "application/octet-stream");
    context.header("content-length", String(blob.bytes));
    // Hono answers HEAD with this handler and throws the body away, which would leave the file open.
    if (context.req.method === "HEAD") {
      blob.close();
      return context.body(null);
    }
    return context.body(streamOf(blob));
  });

  return app;
}

/** Reads as fast as the reader takes it and closes the file at the end, on an error, or when the reader goes. */
function streamOf(blob: OpenBlob): ReadableStream<Uint8Array> {
  let position = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        try {
          if (position < blob.bytes) {
            const chunk = blob.read(position, Math.min(chunkBytes, blob.bytes - position));
            position += chunk.byteLength;
            controller.enqueue(chunk);
          }
          if (position < blob.bytes) return;
          blob.close();
          controller.close();
        } catch (error) {
          blob.close();
          throw error;
        }
      },
      cancel() {
        blob.close();
      },
    },
    { highWaterMark: 0 },
  );
}
