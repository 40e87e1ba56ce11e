import { createHash } from "node:crypto";
import { SluiceError } from "@sluice/core";
import { fillPath, paths } from "@sluice/core/api";
import type { Blobs } from "@sluice/replica";
import { createMemoryBlobs } from "@sluice/replica";
import type { Hono } from "hono";
import { pino } from "pino";
import { expect, test } from "vitest";
import { createApp } from "../app.ts";
import { createBlobRoutes } from "./blobs.ts";

/** Blobs that count how many are open. */
async function create(bytes: Uint8Array): Promise<{ app: Hono; path: string; name: string; opened: () => number }> {
  const name = createHash("sha256").update(bytes).digest("hex");
  const memory = createMemoryBlobs();
  await memory.put(name, bytes);
  let opened = 0;
  const blobs: Blobs = {
    ...memory,
    open(wanted) {
      const blob = memory.open(wanted);
      opened += 1;
      return {
        ...blob,
        close() {
          opened -= 1;
          blob.close();
        },
      };
    },
  };
  const app = createApp({ logger: pino({ level: "silent" }), routes: [createBlobRoutes({ blobs })] });
  return { app, path: fillPath(paths.blob, { name }), name, opened: () => opened };
}

const large = new Uint8Array(1_000_000).map((_, index) => index % 251);

test("a blob arrives whole, may be kept for ever and by nobody else, and is closed", async () => {
  const { app, path, name, opened } = await create(large);
  const response = await app.request(path);
  expect(Object.fromEntries(response.headers)).toEqual({
    "content-type": "application/octet-stream",
    "content-length": "1000000",
    "cache-control": "private, max-age=31536000, immutable",
    etag: `"${name}"`,
  });
  expect(Buffer.from(await response.arrayBuffer()).equals(large)).toBe(true);
  expect(opened()).toBe(0);
});

test("an empty blob is an empty body", async () => {
  const { app, path, opened } = await create(new Uint8Array(0));
  const response = await app.request(path);
  expect([response.status, (await response.arrayBuffer()).byteLength, opened()]).toEqual([200, 0, 0]);
});

test("a blob is read as fast as its reader takes it, and closed when the reader goes", async () => {
  const { app, path, opened } = await create(large);
  const reader = (await app.request(path)).body?.getReader();
  expect((await reader?.read())?.value?.byteLength).toBe(262_144);
  expect(opened()).toBe(1);
  await reader?.cancel();
  expect(opened()).toBe(0);
});

test("HEAD and a tag that matches answer without a body and leave nothing open", async () => {
  const { app, path, name, opened } = await create(large);
  const head = await app.request(path, { method: "HEAD" });
  expect([head.status, head.headers.get("content-length")]).toEqual([200, "1000000"]);
  const cached = await app.request(path, { headers: { "if-none-match": `"${name}"` } });
  expect([cached.status, await cached.text()]).toEqual([304, ""]);
  expect(opened()).toBe(0);
});

test("a blob that is not there is a problem that no cache keeps", async () => {
  const { app } = await create(large);
  const response = await app.request(fillPath(paths.blob, { name: "0".repeat(64) }));
  expect(response.status).toBe(404);
  expect(response.headers.get("cache-control")).toBeNull();
  expect(await response.json()).toMatchObject({ code: "BLOB_UNKNOWN" });
});

test("what cannot be a blob's name is refused before any file is looked for", async () => {
  const { app, opened } = await create(large);
  const response = await app.request("/v1/blobs/..%2F..%2Fetc%2Fpasswd");
  expect(await response.json()).toMatchObject({ code: "VALIDATION" });
  expect(opened()).toBe(0);
});

test("a blob that turns out corrupt breaks the stream and is closed", async () => {
  let closed = 0;
  const blobs: Blobs = {
    ...createMemoryBlobs(),
    open: () => ({
      bytes: 10,
      read() {
        throw new SluiceError("CORRUPT", "the file is shorter than it was");
      },
      close() {
        closed += 1;
      },
    }),
  };
  const app = createApp({ logger: pino({ level: "silent" }), routes: [createBlobRoutes({ blobs })] });
  const response = await app.request(fillPath(paths.blob, { name: "0".repeat(64) }));
  await expect(response.arrayBuffer()).rejects.toThrow("shorter than it was");
  expect(closed).toBe(1);
});
