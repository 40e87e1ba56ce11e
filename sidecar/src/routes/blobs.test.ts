import { createHash } from "node:crypto";
import type { VirtualClock } from "@sluice/core";
import { createVirtualClock, SluiceError } from "@sluice/core";
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

/** An instance to which a blob is on its way: `come` brings it, `forget` says that it is not wanted any more. */
async function createAwaiting(): Promise<{
  ask: (signal?: AbortSignal) => Promise<Response>;
  clock: VirtualClock;
  come: () => Promise<void>;
  forget: () => void;
}> {
  const name = createHash("sha256").update(large).digest("hex");
  const blobs = createMemoryBlobs();
  const clock = createVirtualClock();
  const over = Promise.withResolvers<void>();
  let wanted = true;
  const forget = (): void => {
    wanted = false;
    over.resolve();
  };
  const arrivals = { clock, arrival: (asked: string) => (wanted && asked === name ? over.promise : null) };
  const app = createApp({ logger: pino({ level: "silent" }), routes: [createBlobRoutes({ blobs, arrivals })] });
  return {
    ask: async (signal) => app.request(fillPath(paths.blob, { name }), signal === undefined ? {} : { signal }),
    clock,
    async come() {
      await blobs.put(name, large);
      forget();
    },
    forget,
  };
}

test("a blob that is on its way here is waited for", async () => {
  const { ask, come, clock } = await createAwaiting();
  const asked = ask();
  await come();
  const response = await asked;
  expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([200, large.byteLength]);
  expect(clock.nextInMs()).toBeUndefined();
});

test("a blob that takes longer is to be asked for again", async () => {
  const { ask, clock, come } = await createAwaiting();
  const asked = ask();
  await Promise.resolve();
  clock.advance(4_000);
  const response = await asked;
  expect([response.status, response.headers.get("retry-after"), response.headers.get("cache-control")]).toEqual([
    503,
    "0",
    null,
  ]);
  expect(await response.json()).toMatchObject({ code: "NOT_READY" });
  await come();
  expect((await ask()).status).toBe(200);
});

test("a blob that is given up while it is waited for is unknown", async () => {
  const { ask, forget } = await createAwaiting();
  const asked = ask();
  forget();
  expect((await asked).status).toBe(404);
});

test("nothing waits for a caller that has gone", async () => {
  const { ask, clock } = await createAwaiting();
  const caller = new AbortController();
  const asked = ask(caller.signal);
  await Promise.resolve();
  expect(clock.nextInMs()).toBe(4_000);
  caller.abort();
  await asked;
  expect(clock.nextInMs()).toBeUndefined();
});
