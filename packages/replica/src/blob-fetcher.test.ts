import { hash } from "node:crypto";
import { createVirtualClock, SluiceError, type VirtualClock } from "@sluice/core";
import { expect, test } from "vitest";
import { type BlobFetcher, createBlobFetcher } from "./blob-fetcher.ts";
import type { Blobs } from "./blobs.ts";
import { silenceMs } from "./connection.ts";
import { createMemoryBlobs } from "./memory-blobs.ts";
import type { NeededBlob } from "./shelf.ts";
import { pass, settle } from "./turns.testing.ts";

interface World {
  readonly clock: VirtualClock;
  readonly blobs: Blobs;
  readonly fetcher: BlobFetcher;
  readonly stored: string[];
  /** Requests that are on their way, by URL. */
  readonly open: Map<string, { respond: (response: Response) => void; signal: AbortSignal | null | undefined }>;
  readonly asked: string[];
}

function createWorld(blobs: Blobs = createMemoryBlobs()): World {
  const clock = createVirtualClock();
  const stored: string[] = [];
  const open: World["open"] = new Map();
  const asked: string[] = [];
  const fetcher = createBlobFetcher({
    blobs,
    clock,
    random: () => 0.999,
    onStored: (name) => void stored.push(name),
    fetch: (input, init) => {
      const url = typeof input === "string" ? input : "";
      asked.push(url);
      return new Promise((respond) => void open.set(url, { respond, signal: init?.signal }));
    },
  });
  return { clock, blobs, fetcher, stored, open, asked };
}

const texts = ["one", "two", "three", "four", "five", "six"];
const needed: readonly NeededBlob[] = texts.map((text) => ({ name: hash("sha256", text), bytes: text.length }));
const urlOf = (text: string, origin = "http://a"): string => `${origin}/v1/blobs/${hash("sha256", text)}`;

test("nothing is fetched before there is an instance, then four at a time, in order", async () => {
  const { fetcher, asked, open, stored } = createWorld();
  fetcher.want(needed);
  expect(asked).toEqual([]);
  fetcher.from("http://a");
  expect(asked).toEqual(texts.slice(0, 4).map((text) => urlOf(text)));
  open.get(urlOf("two"))?.respond(new Response("two"));
  await settle();
  expect(stored).toEqual([hash("sha256", "two")]);
  expect(asked.at(-1)).toBe(urlOf("five"));
  expect(asked.length).toBe(5);
});

test("what is not wanted any more is given up, what still is goes on", async () => {
  const { fetcher, asked, open, stored } = createWorld();
  fetcher.from("http://a");
  fetcher.want(needed.slice(0, 2));
  fetcher.want(needed.slice(1, 3));
  expect(open.get(urlOf("one"))?.signal?.aborted).toBe(true);
  expect(open.get(urlOf("two"))?.signal?.aborted).toBe(false);
  expect(asked).toEqual(["one", "two", "three"].map((text) => urlOf(text)));
  for (const text of ["one", "two", "three"]) open.get(urlOf(text))?.respond(new Response(text));
  await settle();
  expect(stored.toSorted()).toEqual(
    needed
      .slice(1, 3)
      .map(({ name }) => name)
      .toSorted(),
  );
});

test("a blob that cannot be had is asked for again, ever later, and at once at another instance", async () => {
  const { clock, fetcher, asked, open } = createWorld();
  fetcher.from("http://a");
  fetcher.want(needed.slice(0, 1));
  for (const waitMs of [100, 200, 400]) {
    open.get(urlOf("one"))?.respond(new Response(null, { status: 404 }));
    await settle();
    expect(Math.round((clock.nextInMs() ?? 0) / 0.999)).toBe(waitMs);
    await pass(clock, clock.nextInMs() ?? 0);
  }
  expect(asked.length).toBe(4);
  open.get(urlOf("one"))?.respond(new Response(null, { status: 500 }));
  await settle();
  fetcher.from("http://b");
  expect(asked.at(-1)).toBe(urlOf("one", "http://b"));
  expect(fetcher.counts()).toEqual({ stored: 0, found: 0, wrong: 0, failed: 4 });
});

test("a fetch that falls silent is given up and tried again", async () => {
  const { clock, fetcher, asked } = createWorld();
  fetcher.from("http://a");
  fetcher.want(needed.slice(0, 1));
  await pass(clock, silenceMs + 100);
  expect(asked.length).toBe(2);
});

test("a disk that is full does not keep what came, and is tried again", async () => {
  const blobs = createMemoryBlobs();
  let full = true;
  const { clock, fetcher, open, stored } = createWorld({
    ...blobs,
    async put(name, bytes) {
      if (full) throw new SluiceError("DISK_FULL", "no room");
      await blobs.put(name, bytes);
    },
  });
  fetcher.from("http://a");
  fetcher.want(needed.slice(0, 1));
  open.get(urlOf("one"))?.respond(new Response("one"));
  await settle();
  expect(stored).toEqual([]);
  full = false;
  await pass(clock, 100);
  open.get(urlOf("one"))?.respond(new Response("one"));
  await settle();
  expect(stored).toEqual([hash("sha256", "one")]);
});

test("a closed fetcher leaves no request and no timer", async () => {
  const { clock, fetcher, open, asked } = createWorld();
  fetcher.from("http://a");
  fetcher.want(needed);
  open.get(urlOf("one"))?.respond(new Response(null, { status: 404 }));
  await settle();
  fetcher.close();
  await settle();
  expect([...open.values()].filter(({ signal }) => signal?.aborted === false).length).toBe(1);
  expect(clock.nextInMs()).toBe(undefined);
  expect(asked.length).toBe(5);
});
