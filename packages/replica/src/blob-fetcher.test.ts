import { hash } from "node:crypto";
import { createVirtualClock, SluiceError, type VirtualClock } from "@sluice/core";
import { expect, test } from "vitest";
import { type BlobFetcher, createBlobFetcher, patienceMs, type Sharing, unknownMsMax } from "./blob-fetcher.ts";
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

function createWorld(
  blobs: Blobs = createMemoryBlobs(),
  sharing: Sharing | null = null,
  onUnknown: () => void = () => {},
): World {
  const clock = createVirtualClock();
  const stored: string[] = [];
  const open: World["open"] = new Map();
  const asked: string[] = [];
  const fetcher = createBlobFetcher({
    blobs,
    clock,
    random: () => 0.999,
    sharing,
    onStored: (name) => void stored.push(name),
    onUnknown,
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

test("a blob that the instance does not have for half a minute is said to be out of date, one that fails otherwise is not", async () => {
  let said = 0;
  const { clock, fetcher, open } = createWorld(createMemoryBlobs(), null, () => said++);
  fetcher.from("http://a");
  fetcher.want(needed.slice(0, 1));
  const answerFor = async (durationMs: number, status: number): Promise<void> => {
    for (const endMs = clock.now() + durationMs; clock.now() < endMs; ) {
      open.get(urlOf("one"))?.respond(new Response(null, { status }));
      open.delete(urlOf("one"));
      await settle();
      await pass(clock, 1_000);
    }
  };
  await answerFor(unknownMsMax * 2, 500);
  await answerFor(unknownMsMax - 6_000, 404);
  await answerFor(2_000, 500);
  expect(said).toBe(0);
  await answerFor(unknownMsMax * 2, 404);
  expect(said).toBe(1);
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

/** Claims that others hold as long as they are told of. */
function createSharing(): { sharing: Sharing; isFirst: boolean; others: Set<string>; held: Set<string> } {
  const its = {
    isFirst: false,
    others: new Set<string>(),
    held: new Set<string>(),
    sharing: {
      isFirst: () => its.isFirst,
      claims: {
        take(name: string) {
          if (its.others.has(name)) return null;
          its.held.add(name);
          return { release: () => void its.held.delete(name) };
        },
      },
    },
  };
  return its;
}

test("who shares a directory leaves a blob to the others for a second, and then fetches it itself", async () => {
  const { sharing } = createSharing();
  const { clock, fetcher, asked } = createWorld(createMemoryBlobs(), sharing);
  fetcher.from("http://a");
  fetcher.want(needed.slice(0, 1));
  await pass(clock, 0.75 * patienceMs);
  expect(asked).toEqual([]);
  await pass(clock, patienceMs);
  expect(asked).toEqual([urlOf("one")]);
});

test("who fetches first for a directory waits for nobody, and neither does who has just become it", async () => {
  const its = createSharing();
  its.isFirst = true;
  const first = createWorld(createMemoryBlobs(), its.sharing);
  first.fetcher.from("http://a");
  first.fetcher.want(needed.slice(0, 1));
  await settle();
  expect(first.asked).toEqual([urlOf("one")]);
  its.isFirst = false;
  const second = createWorld(createMemoryBlobs(), its.sharing);
  second.fetcher.from("http://a");
  second.fetcher.want(needed.slice(1, 2));
  await settle();
  expect(second.asked).toEqual([]);
  second.fetcher.hurry();
  await settle();
  expect(second.asked).toEqual([urlOf("two")]);
});

test("what another process brings is taken within tens of milliseconds, and nothing is asked for", async () => {
  const { sharing } = createSharing();
  const { clock, blobs, fetcher, asked, stored } = createWorld(createMemoryBlobs(), sharing);
  fetcher.from("http://a");
  fetcher.want(needed.slice(0, 2));
  await pass(clock, 100);
  await blobs.put(hash("sha256", "two"), Buffer.from("two"));
  await pass(clock, 100);
  expect(stored).toEqual([hash("sha256", "two")]);
  await blobs.put(hash("sha256", "one"), Buffer.from("one"));
  await pass(clock, 100);
  expect(stored).toEqual([hash("sha256", "two"), hash("sha256", "one")]);
  expect(asked).toEqual([]);
  expect(fetcher.counts()).toEqual({ stored: 0, found: 2, wrong: 0, failed: 0 });
  expect(clock.nextInMs()).toBe(undefined);
});

test("a blob that another process is at is waited for as long as that takes, and fetched once its claim is free", async () => {
  const its = createSharing();
  its.others.add(hash("sha256", "one"));
  const { clock, fetcher, asked, open } = createWorld(createMemoryBlobs(), its.sharing);
  fetcher.from("http://a");
  fetcher.want(needed.slice(0, 1));
  await pass(clock, 60_000);
  expect(asked).toEqual([]);
  its.others.clear();
  await pass(clock, 2 * patienceMs);
  expect(asked).toEqual([urlOf("one")]);
  expect(its.held).toEqual(new Set([hash("sha256", "one")]));
  open.get(urlOf("one"))?.respond(new Response("one"));
  await settle();
  expect(its.held.size).toBe(0);
});

test("what another process has brought while the claim was taken is not fetched once more", async () => {
  const its = createSharing();
  const blobs = createMemoryBlobs();
  const claims: Sharing["claims"] = {
    take(name) {
      // In memory it is there at once.
      void blobs.put(name, Buffer.from("one"));
      return its.sharing.claims.take(name);
    },
  };
  const { clock, fetcher, asked, stored } = createWorld(blobs, { ...its.sharing, claims });
  fetcher.from("http://a");
  fetcher.want(needed.slice(0, 1));
  await pass(clock, 2 * patienceMs);
  expect(asked).toEqual([]);
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

test("who asks for a blob that is wanted is told when it has come, or is not wanted any more", async () => {
  const { fetcher, open } = createWorld();
  fetcher.want(needed.slice(0, 3));
  fetcher.from("http://a");
  const [one = "", two = "", three = "", four = ""] = needed.map(({ name }) => name);
  const told: string[] = [];
  for (const name of [one, two, three]) void fetcher.arrival(name)?.then(() => told.push(name));
  expect(fetcher.arrival(four)).toBe(null);
  await settle();
  expect(told).toEqual([]);
  open.get(urlOf("one"))?.respond(new Response("one"));
  await settle();
  expect([told, fetcher.arrival(one)]).toEqual([[one], null]);
  fetcher.want(needed.slice(2, 3));
  await settle();
  expect(told).toEqual([one, two]);
  fetcher.close();
  await settle();
  expect(told).toEqual([one, two, three]);
});

test("an instance to which a blob is on its way is asked again soon, and has not failed", async () => {
  const { fetcher, clock, open, asked } = createWorld();
  fetcher.from("http://a");
  fetcher.want(needed.slice(0, 1));
  for (let times = 1; times < 10; times++) {
    expect(asked.length).toBe(times);
    open.get(urlOf("one"))?.respond(new Response(null, { status: 503, headers: { "retry-after": "0" } }));
    await pass(clock, 100);
  }
  expect(fetcher.counts()).toMatchObject({ failed: 0, wrong: 0 });
});
