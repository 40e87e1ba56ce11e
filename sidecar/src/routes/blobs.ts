import { hashSchema, paths } from "@sluice/core/api";
import type { Blobs, OpenBlob } from "@sluice/replica";
import { Hono } from "hono";
import { parseInput } from "../problems.ts";
import { tagsOf } from "./follow.ts";

/** How much of a blob is read at a time, in bytes. */
const chunkBytes = 262_144;

/** `private`: what is not released yet lies on every host, and no shared cache may show it to others. */
const cacheControl = "private, max-age=31536000, immutable";

/** `GET /v1/blobs/:name`: part files and overlays, whose names are the hash of their bytes. Throws BLOB_UNKNOWN. */
export function createBlobRoutes(dependencies: { blobs: Blobs }): Hono {
  const { blobs } = dependencies;
  const app = new Hono();

  app.get(paths.blob, (context) => {
    const name = parseInput(hashSchema, context.req.param("name"), "the name of a blob");
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
