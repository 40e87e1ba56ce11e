import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { itemsNumbered, itemsOf, ndjsonOf, originWith, type SampleOrigin } from "../publish/sample-origin.ts";
import { settleMs } from "./file-source.ts";
import { createSampleSources, intervalMs, type SampleSources } from "./sample-sources.ts";
import { watchFile } from "./watch.ts";

const good = itemsNumbered(20, (index) => ({ price: index + 1 }));

let directory: string;
let path: string;
let origin: SampleOrigin;
let sample: SampleSources;
/** Says that the watched directory has changed. */
let change: () => void;
let watches: number;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "sluice-file-"));
  path = join(directory, "prices.ndjson");
  watches = 0;
  origin = await originWith();
  sample = createSampleSources(origin, {
    fetch: () => Promise.reject(new Error("a file source fetches nothing")),
    watch(_path, onChange) {
      watches++;
      change = onChange;
      return { close: () => {} };
    },
  });
});

afterEach(async () => {
  await sample.sources.close();
  rmSync(directory, { recursive: true });
});

/** Lets the file stand still for as long as it has to, once. */
async function settle(): Promise<void> {
  await sample.timer(settleMs);
  origin.clock.advance(settleMs);
}

/** Adds the file as a source, and lets it settle. */
async function add(file = path): ReturnType<typeof sample.add> {
  const added = sample.add(pathToFileURL(file).href);
  await settle();
  return added;
}

test("a file is read when it has stood still, and again when its directory says that it changed", async () => {
  writeFileSync(path, ndjsonOf(good));
  expect(await add()).toMatchObject({ state: "ok" });
  expect(itemsOf(origin.lines().stable)).toEqual(good);
  writeFileSync(path, ndjsonOf({ ...good, "sku-1": 5 }));
  const turned = sample.turn(change);
  await settle();
  await turned;
  expect(itemsOf(origin.lines().candidate)).toEqual({ ...good, "sku-1": 5 });
  expect(watches).toBe(1);
});

test("a change that nobody tells of is found by the slow look", async () => {
  writeFileSync(path, ndjsonOf(good));
  await add();
  writeFileSync(join(directory, "new"), ndjsonOf({ ...good, "sku-1": 5 }));
  renameSync(join(directory, "new"), path);
  const turned = sample.turn(() => origin.clock.advance(intervalMs));
  await settle();
  expect(await turned).toMatchObject({ state: "ok" });
  expect(origin.state().datasets["prices"]?.candidate).not.toBeNull();
});

test("a file that did not change is not read, and one that was only touched makes no version", async () => {
  writeFileSync(path, ndjsonOf(good));
  await add();
  const { sequence } = origin.state();
  expect(await sample.turn()).toMatchObject({ state: "ok" });
  utimesSync(path, 1, 1);
  const turned = sample.turn();
  await settle();
  expect(await turned).toMatchObject({ state: "ok" });
  expect(origin.state().sequence).toBe(sequence);
});

test("a file that is still being written is waited for, and read whole", async () => {
  const text = ndjsonOf(good);
  writeFileSync(path, text.slice(0, 100));
  const added = sample.add(pathToFileURL(path).href);
  await sample.timer(settleMs);
  appendFileSync(path, text.slice(100, 200));
  origin.clock.advance(settleMs);
  await sample.timer(settleMs);
  appendFileSync(path, text.slice(200));
  origin.clock.advance(settleMs);
  await settle();
  expect(await added).toMatchObject({ state: "ok" });
  expect(itemsOf(origin.lines().stable)).toEqual(good);
  expect(origin.state().datasets["prices"]?.lastRefusal).toBeNull();
});

test("a file that changes while it is read is read again when it stands still", async () => {
  writeFileSync(path, ndjsonOf(good));
  await sample.sources.close();
  let reads = 0;
  sample = createSampleSources(origin, {
    fetch: () => Promise.reject(new Error("a file source fetches nothing")),
    watch: () => null,
    publisher: {
      async offer(upload, seen) {
        if (reads++ === 0) appendFileSync(path, ndjsonOf({ late: 1 }));
        return origin.publisher.offer(upload, seen);
      },
    },
  });
  const added = sample.add(pathToFileURL(path).href);
  await settle();
  await settle();
  expect(await added).toMatchObject({ state: "ok" });
  expect(reads).toBe(2);
  expect(itemsOf(origin.lines().stable)).toEqual({ ...good, late: 1 });
});

test("a JSON file is one object", async () => {
  path = join(directory, "prices.json");
  writeFileSync(path, JSON.stringify(good));
  await add(path);
  expect(itemsOf(origin.lines().stable)).toEqual(good);
});

test("a bad file is refused until it changes", async () => {
  writeFileSync(path, "nonsense");
  const status = await add();
  expect(status).toMatchObject({ state: "refused" });
  expect(await sample.turn()).toEqual(status);
  writeFileSync(path, ndjsonOf(good));
  const turned = sample.turn(change);
  await settle();
  expect(await turned).toMatchObject({ state: "ok" });
});

test("a file that is not there yet fails, and is found when it comes", async () => {
  expect(await sample.add(pathToFileURL(path).href)).toMatchObject({
    state: "failing",
    message: expect.stringContaining(`${path} cannot be read`),
  });
  writeFileSync(path, ndjsonOf(good));
  const turned = sample.turn(change);
  await settle();
  expect(await turned).toMatchObject({ state: "ok" });
});

test("what is no file, and a URL of another host, fail with what was expected", async () => {
  mkdirSync(path);
  expect(await sample.add(pathToFileURL(path).href)).toMatchObject({
    message: `expected a file at ${path}, came something else`,
  });
  await origin.give({ type: "remove-source", dataset: "prices", source: "main" });
  expect(await sample.add("file://elsewhere/prices.json")).toMatchObject({
    message: "expected the URL of a file on this host, came file://elsewhere/prices.json",
  });
});

test("closing ends the wait for a file to stand still", async () => {
  writeFileSync(path, ndjsonOf(good));
  const source = { id: "main", url: pathToFileURL(path).href, intervalMs, onNew: "hold" } as const;
  const settling = sample.timer(settleMs);
  await origin.give({ type: "add-source", dataset: "prices", source });
  await settling;
  await sample.sources.close();
  expect(origin.state().datasets["prices"]?.lastNumber).toBe(0);
});

test("the system's watch tells of a file that takes another's place, and of nothing where there is no directory", async () => {
  expect(
    watchFile(
      join(directory, "none", "prices.json"),
      () => {},
      () => {},
    ),
  ).toBeNull();
  const { promise: changed, resolve } = Promise.withResolvers<void>();
  const watcher = watchFile(path, resolve, () => {});
  writeFileSync(join(directory, "new"), ndjsonOf(good));
  renameSync(join(directory, "new"), path);
  await changed;
  watcher?.close();
});
