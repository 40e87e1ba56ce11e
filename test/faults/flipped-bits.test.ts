import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { isSluiceError } from "@sluice/core";
import { createClient } from "@sluice/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRandom } from "../simulation/random.ts";
import { eventually } from "../support/instances.ts";
import { flipBit } from "./bits.ts";
import { openOrigin, type OriginOnDisk } from "./origin-on-disk.ts";

const seed = Number(process.env["SLUICE_SEED"] ?? 20_261_111);
const root = mkdtempSync(join(tmpdir(), "sluice-bits-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const price = (index: number, factor: number): object => ({ price: index * factor, text: "t".repeat(1_500) });
const keys = Array.from({ length: 600 }, (_, index) => `sku-${index}`);
const first = new Map(keys.map((key, index) => [key, price(index, 1)]));
/** A tenth of the items is another: more than goes inline, and too little for parts of its own, so that it lies in a layer. */
const second = new Map([...first].map(([key, value], index) => [key, index % 10 === 0 ? price(index, 2) : value]));
const third = new Map<string, unknown>([...second, ["sku-1", { price: 7 }]]);

/** An origin's directory with parts, a layer and a patch, as it lies there while the origin runs and after it was closed. */
const running = join(root, "running");
const closed = join(root, "closed");

beforeAll(async () => {
  const origin = await openOrigin(join(root, "made"));
  await origin.post("/v1/datasets", { name: "prices", policy: "immediate" });
  for (const items of [first, second]) await origin.publish("prices", items);
  const patch = { items: [{ key: "sku-1", value: { price: 7 } }] };
  await origin.post("/v1/datasets/prices/patches", patch);
  cpSync(join(root, "made"), running, { recursive: true });
  await origin.close();
  cpSync(join(root, "made"), closed, { recursive: true });
});

/** What an instance reads of every key: the value, or the code with which it refuses. */
async function readAll(origin: OriginOnDisk): Promise<Map<string, unknown>> {
  const read = new Map<string, unknown>();
  for (let start = 0; start < keys.length; start += 100) {
    const some = keys.slice(start, start + 100);
    const { status, body } = await origin.post("/v1/datasets/prices/items", { keys: some });
    const items = body["items"] as Record<string, unknown>;
    for (const key of some) read.set(key, status === 200 ? items[key] : body["code"]);
  }
  return read;
}

/** Whether what was read is a version, but for keys that were refused. */
function isVersion(read: ReadonlyMap<string, unknown>): boolean {
  const codes = ["CORRUPT", "NOT_READY", "VERSION_NONE", "DATASET_UNKNOWN"];
  return [first, second, third].some((version) =>
    [...read].every(([key, value]) => codes.includes(String(value)) || isDeepStrictEqual(value, version.get(key))),
  );
}

const filesOf = (directory: string): string[] =>
  globSync("**/*", { cwd: directory })
    .filter((path) => statSync(join(directory, path)).isFile() && statSync(join(directory, path)).size > 0)
    .toSorted();

test.each([
  ["that was closed", closed, 15],
  ["whose process died", running, 15],
])(
  `one bit flipped anywhere in the directory of an origin %s is never served (seed ${seed})`,
  { timeout: 120_000 },
  async (what, from, flips) => {
    const random = createRandom(seed).fork(what);
    const files = filesOf(from);
    expect(files.map((path) => basename(path))).toContain("log.sqlite");
    let noticed = 0;
    for (let flip = 0; flip < flips; flip++) {
      const directory = join(root, `origin-${what.length}-${flip}`);
      cpSync(from, directory, { recursive: true });
      // Each kind of file as often, whatever their sizes.
      const file = random.pick(files);
      const at = flipBit(join(directory, file), random);
      const place = `bit at byte ${at} of ${file}`;
      try {
        const origin = await openOrigin(directory);
        const read = await readAll(origin);
        const complaints = await origin.complaints();
        await origin.close();
        if (!isVersion(read)) throw new Error(`${place}: what is read is no version`);
        const refused = [...read.values()].includes("CORRUPT");
        // Whoever reads the status at night has to find the name of the file and what to do.
        if (
          refused &&
          !complaints.some((text) => text.includes(basename(file)) && text.includes("publish the file again"))
        ) {
          throw new Error(`${place}: reads are refused, and the status says ${JSON.stringify(complaints)}`);
        }
        if (refused || complaints.length > 0) noticed++;
      } catch (error) {
        if (!isSluiceError(error, "CORRUPT", "STORE_UNAVAILABLE")) throw new Error(place, { cause: error });
        expect(error.message).toContain("log.sqlite");
        noticed++;
      }
      rmSync(directory, { recursive: true, force: true });
    }
    expect(noticed).toBeGreaterThan(flips / 10);
  },
);

test.each([["part"], ["layer"]])(
  "a damaged %s is named in the status with what to do about it",
  { timeout: 60_000 },
  async (kind) => {
    const directory = join(root, `named-${kind}`);
    cpSync(closed, directory, { recursive: true });
    const file = fileOf(directory, kind);
    const bytes = readFileSync(file);
    // The last record's value: no other byte of the file is another.
    bytes[bytes.length - 2] = (bytes[bytes.length - 2] ?? 0) ^ 4;
    writeFileSync(file, bytes);
    const origin = await openOrigin(directory);
    expect([...(await readAll(origin)).values()]).toContain("CORRUPT");
    expect((await origin.complaints()).join()).toContain(basename(file));
    expect(origin.said.join()).toContain("this is the only copy");
    await origin.close();
  },
);

function fileOf(directory: string, kind: string): string {
  const mark = kind === "part" ? "SLCP" : "SLCL";
  const found = globSync(join(directory, "blobs/??/*")).find((path) => readFileSync(path, "latin1").startsWith(mark));
  if (found === undefined) throw new Error(`there is no ${kind}`);
  return found;
}

test.each([
  ["damaged", (path: string) => void flipBit(path, createRandom(5), 20_000)],
  ["missing", (path: string) => rmSync(path)],
])(
  "publishing the same file again mends a %s part that was the only copy, and everything is read at once",
  { timeout: 60_000 },
  async (what, harm) => {
    const directory = join(root, `mended-${what}`);
    const made = await openOrigin(directory);
    await made.post("/v1/datasets", { name: "prices", policy: "immediate" });
    await made.publish("prices", first);
    await made.close();
    harm(fileOf(directory, "part"));

    const origin = await openOrigin(directory);
    expect([...(await readAll(origin)).values()]).not.toEqual([...first.values()]);
    // Another file does not have what is missing, and is refused as before.
    expect(await origin.publish("prices", second)).toMatchObject({ status: 500, body: { code: "CORRUPT" } });
    expect(await origin.publish("prices", first)).toMatchObject({
      status: 200,
      body: { outcome: "unchanged", number: 1 },
    });
    expect(await readAll(origin)).toEqual(first);
    expect(await origin.complaints()).toEqual([]);
    expect(await origin.publish("prices", second)).toMatchObject({ status: 200, body: { number: 2 } });
    expect(await readAll(origin)).toEqual(second);
    await origin.close();

    const again = await openOrigin(directory);
    expect(await readAll(again)).toEqual(second);
    expect(await again.complaints()).toEqual([]);
    await again.close();
  },
);

test(`one bit flipped anywhere in an application's directory is never served, and fetched again (seed ${seed})`, {
  timeout: 120_000,
}, async () => {
  const origin = await openOrigin(join(root, "followed"));
  await origin.post("/v1/datasets", { name: "prices", policy: "immediate" });
  for (const items of [first, second]) await origin.publish("prices", items);
  const patch = { items: [{ key: "sku-1", value: { price: 7 } }] };
  await origin.post("/v1/datasets/prices/patches", patch);
  const fetch: typeof globalThis.fetch = async (input, init) =>
    origin.request(typeof input === "string" ? input : "", init);
  const open = async (cacheDirectory: string): ReturnType<typeof createClient<{ prices: null }>> =>
    createClient({ url: "http://origin", app: "reader", datasets: { prices: null }, cacheDirectory, fetch });

  const from = join(root, "reader");
  const client = await open(from);
  await client.close();
  const files = filesOf(from).filter((path) => /position|marks|blobs/.test(path) && !path.includes("tmp"));
  expect(files.length).toBeGreaterThan(2);
  const random = createRandom(seed).fork("reader");
  for (let flip = 0; flip < 20; flip++) {
    const directory = join(root, `reader-${flip}`);
    cpSync(from, directory, { recursive: true });
    const file = random.pick(files);
    const at = flipBit(join(directory, file), random);
    const reader = await open(directory);
    await eventually(`what was published, after a bit at byte ${at} of ${relative(root, file)} was flipped`, () => {
      const view = reader.view();
      const read = new Map<string, unknown>();
      for (const key of keys) {
        try {
          read.set(key, view.get("prices", key));
        } catch (error) {
          if (!isSluiceError(error, "CORRUPT", "NOT_READY", "CLOSED")) throw error;
          read.set(key, error.code);
        }
      }
      if (!isVersion(read)) throw new Error("what is read is no version");
      return [...read].every(([key, value]) => isDeepStrictEqual(value, third.get(key))) ? true : undefined;
    });
    await reader.close();
    rmSync(directory, { recursive: true, force: true });
  }
  await origin.close();
});
