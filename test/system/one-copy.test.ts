import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { createClient } from "@sluice/sdk";
import { afterEach, expect, test } from "vitest";
import { type CountingProxy, createCountingProxy } from "../support/counting-proxy.ts";
import { createBench, eventually, ndjson, post, type RunningInstance } from "../support/instances.ts";
import type { ReadersOptions } from "../support/readers.ts";

const program = join(import.meta.dirname, "../support/readers.ts");
const firstRead = join(import.meta.dirname, "../support/first-read.ts");
const items = 20_000;

const bench = createBench();
const proxies: CountingProxy[] = [];
const children = new Set<ChildProcess>();

afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "close");
  }
  children.clear();
  for (const proxy of proxies.splice(0)) await proxy.close();
  await bench.clear();
});

async function proxyOf(url: string): Promise<CountingProxy> {
  const proxy = await createCountingProxy(url);
  proxies.push(proxy);
  return proxy;
}

/** What one SDK in another process has read last. */
interface Reading {
  readonly pid: number;
  readonly version: number;
  readonly value: { readonly price: number } | null;
}

interface Readers {
  readonly child: ChildProcess;
  /** Every line that was said. */
  readonly said: readonly Reading[];
}

function startReaders(options: Omit<ReadersOptions, "key">): Readers {
  const given: ReadersOptions = { ...options, key: "sku-7" };
  const child = spawn(process.execPath, ["--conditions=sluice-source", program, JSON.stringify(given)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.add(child);
  const said: Reading[] = [];
  if (child.stdout === null) throw new Error("a child without standard output");
  createInterface({ input: child.stdout }).on("line", (line) => said.push(JSON.parse(line) as Reading));
  return { child, said };
}

/** Waits until so many readers say that they have a version and its price. */
async function allRead(groups: readonly Readers[], count: number, version: number, price: number): Promise<void> {
  await eventually(`${count} readers have v${version}`, () => {
    const there = groups.flatMap(({ said }) => said).filter((each) => each.version === version);
    if (there.length < count) return undefined;
    expect(there.map(({ value }) => value?.price)).toEqual(there.map(() => price));
    return true;
  });
}

async function publish(url: string, price: number): Promise<number> {
  const response = await fetch(`${url}/v1/datasets/prices/versions`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: ndjson(items, (index) => ({ price: price + index })),
  });
  const { number } = (await response.json()) as { number: number };
  return number;
}

async function createShop(): Promise<{ url: string; data: string; origin: RunningInstance }> {
  const data = bench.directory();
  const origin = await bench.serve({ data });
  const { url } = origin;
  await post(`${url}/v1/datasets`, { name: "prices", policy: "immediate" });
  expect(await publish(url, 0)).toBe(1);
  return { url, data, origin };
}

/** Names of the files that are there, one for each copy. */
function blobsIn(directory: string): string[] {
  const paths = readdirSync(join(directory, "blobs"), { recursive: true, encoding: "utf8" });
  return paths.map((path) => path.slice(3)).filter((name) => /^[0-9a-f]{64}$/.test(name));
}

function timesAsked(proxy: CountingProxy): number[] {
  return [...new Set(proxy.blobs().values())];
}

/** How far the newest position is. */
function sequenceOn(directory: string): number {
  const files = readdirSync(directory).filter((name) => /^position(\.[0-9a-f]{16})?$/.test(name));
  const texts = files.map((name) => readFileSync(join(directory, name), "utf8"));
  return Math.max(0, ...texts.map((each) => Number(/"state":\{"sequence":(\d+)/.exec(each)?.[1] ?? 0)));
}

test("a sidecar and the processes, threads and cluster workers of its host hold one copy, which is transferred once", async () => {
  const shop = await createShop();
  const directory = bench.directory();
  const origin = await proxyOf(shop.url);
  const sidecar = await proxyOf((await bench.sidecar({ origin: origin.url, data: directory })).url);
  const url = sidecar.url;
  const readers = [
    startReaders({ kind: "process", count: 1, url, cacheDirectory: directory }),
    startReaders({ kind: "threads", count: 2, url, cacheDirectory: directory }),
    startReaders({ kind: "cluster", count: 3, url, cacheDirectory: directory }),
  ];
  await allRead(readers, 6, 1, 7);
  expect(await publish(shop.url, 1_000)).toBe(2);
  await allRead(readers, 6, 2, 1_007);
  expect(timesAsked(origin)).toEqual([1]);
  expect([...sidecar.blobs()]).toEqual([]);
  const files = blobsIn(directory);
  expect(files.length).toBe(new Set(files).size);
  expect(files.toSorted()).toEqual([...origin.blobs().keys()].toSorted());
  await eventually("the position is on disk", () => (sequenceOn(directory) > 0 ? true : undefined));
});

test("without a sidecar one of them fetches for all; killed with -9, another goes on in its place", async () => {
  const shop = await createShop();
  const cacheDirectory = bench.directory();
  const origin = await proxyOf(shop.url);
  const first = startReaders({ kind: "process", count: 1, url: origin.url, cacheDirectory });
  await allRead([first], 1, 1, 7);
  await eventually("it writes the position", () => (sequenceOn(cacheDirectory) > 0 ? true : undefined));
  const others = startReaders({ kind: "cluster", count: 4, url: origin.url, cacheDirectory });
  await allRead([first, others], 5, 1, 7);
  expect(await publish(shop.url, 1_000)).toBe(2);
  await allRead([first, others], 5, 2, 1_007);
  expect(timesAsked(origin)).toEqual([1]);

  first.child.kill("SIGKILL");
  await once(first.child, "close");
  expect(await publish(shop.url, 2_000)).toBe(3);
  await allRead([others], 4, 3, 2_007);
  expect(timesAsked(origin)).toEqual([1]);
  const { state } = (await (await fetch(`${shop.url}/v1/state`)).json()) as { state: { sequence: number } };
  await eventually("another writes the position", () =>
    sequenceOn(cacheDirectory) === state.sequence ? true : undefined,
  );
});

test("a process that was here before has read its first item before it loads a schema, a transport or a database", async () => {
  const shop = await createShop();
  const cacheDirectory = bench.directory();
  const before = await createClient({ url: shop.url, app: "reader", datasets: { prices: null }, cacheDirectory });
  await before.close();
  const child = spawn(process.execPath, ["--conditions=sluice-source", firstRead, cacheDirectory, "sku-7"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.add(child);
  if (child.stdout === null) throw new Error("a child without standard output");
  const said = JSON.parse(await text(child.stdout)) as { loaded: number };
  expect(said).toMatchObject({ value: { price: 7 }, heavy: [] });
  expect(said.loaded).toBeGreaterThan(10);
});

test("an SDK in the origin's own directory fetches nothing and never keeps the origin from starting", async () => {
  const shop = await createShop();
  const origin = await proxyOf(shop.url);
  const client = await createClient({
    url: origin.url,
    app: "reader",
    datasets: { prices: null },
    cacheDirectory: shop.data,
  });
  try {
    expect(client.view({}).get("prices", "sku-7")).toEqual({ price: 7 });
    expect(await publish(shop.url, 1_000)).toBe(2);
    await eventually("the SDK has v2", () => (client.view({}).version("prices") === 2 ? true : undefined));
    expect([...origin.blobs()]).toEqual([]);
    await shop.origin.end("SIGKILL");
    const again = await bench.serve({ data: shop.data });
    expect(await publish(again.url, 2_000)).toBe(3);
    expect(client.view({}).get("prices", "sku-7")).toEqual({ price: 1_007 });
  } finally {
    await client.close();
  }
});

test("a sidecar whose files were taken away fetches them again when somebody asks for them", async () => {
  const shop = await createShop();
  const directory = bench.directory();
  const sidecar = await bench.sidecar({ origin: shop.url, data: directory });
  const early = await createClient({ url: sidecar.url, app: "early", datasets: { prices: null } });
  rmSync(join(directory, "blobs"), { recursive: true });
  const late = await createClient({ url: sidecar.url, app: "late", datasets: { prices: null } });
  try {
    for (const client of [early, late]) expect(client.view({}).get("prices", "sku-7")).toEqual({ price: 7 });
    const answer = await post(`${sidecar.url}/v1/datasets/prices/items`, { keys: ["sku-7"], as: null });
    expect(answer.body).toMatchObject({ items: { "sku-7": { price: 7 } } });
    expect(blobsIn(directory).length).toBeGreaterThan(0);
  } finally {
    await early.close();
    await late.close();
  }
});
