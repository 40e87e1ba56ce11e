import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  buildLayer,
  type Content,
  createDelta,
  createVirtualClock,
  hiddenBy,
  type JsonValue,
  type SluiceError,
  type VirtualClock,
} from "@sluice/core";
import { afterEach, expect, test } from "vitest";
import type { Blobs } from "./blobs.ts";
import { createDirectoryBlobs } from "./directory-blobs.ts";
import { type Items, putContent, readAll } from "./log.testing.ts";
import { createMemoryBlobs } from "./memory-blobs.ts";
import { partGraceMs } from "./parts.ts";
import { createShelf, type Shelf } from "./shelf.ts";
import type { ReadableVersion } from "./version.ts";

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

const many: Items = new Map(Array.from({ length: 500 }, (_, index) => [`sku-${index}`, { price: index }]));

interface World {
  readonly blobs: Blobs;
  readonly clock: VirtualClock;
  readonly shelf: Shelf;
  readonly damages: { name: string; error: SluiceError }[];
}

function createWorld(blobs: Blobs = createMemoryBlobs()): World {
  const clock = createVirtualClock();
  const damages: World["damages"] = [];
  return {
    blobs,
    clock,
    damages,
    shelf: createShelf({ blobs, clock, onDamage: (name, error) => void damages.push({ name, error }) }),
  };
}

/** Blobs that count which are open. */
function counting(inner: Blobs): { blobs: Blobs; open: Set<string>; reads: number[] } {
  const open = new Set<string>();
  const reads: number[] = [];
  const blobs: Blobs = {
    ...inner,
    open(name) {
      const blob = inner.open(name);
      open.add(name);
      return {
        bytes: blob.bytes,
        read(position, length) {
          reads.push(length);
          return blob.read(position, length);
        },
        close() {
          open.delete(name);
          blob.close();
        },
      };
    },
  };
  return { blobs, open, reads };
}

test("a version reads as what was put, item by item and as a whole", async () => {
  const { blobs, shelf } = createWorld();
  const version = shelf.open(await putContent(blobs, many, 8), 1);
  expect(version.get("sku-7")).toBe('{"price":7}');
  expect(version.get("nothing")).toBe(undefined);
  expect(readAll(version)).toEqual(many);
  expect(version.items).toBe(500);
});

test("opening a version reads only the headers of its parts", async () => {
  const inner = createMemoryBlobs();
  const content = await putContent(inner, many, 8);
  const { blobs, reads } = counting(inner);
  const version = createWorld(blobs).shelf.open(content, 1);
  expect(reads).toEqual(Array.from({ length: 8 }, () => 56));
  version.get("sku-1");
  // The first touch of one part: its header again, its table, and the record.
  expect(reads.length).toBe(8 + 3);
});

test("a version after a delta shares its base, and the one before reads on", async () => {
  const { blobs, shelf } = createWorld();
  const before = shelf.open(await putContent(blobs, many), 1);
  const delta = createDelta(
    [
      ["sku-1", "1"],
      ["new", "2"],
    ],
    ["sku-2", "nothing"],
  );
  const after = before.with(delta, { number: 2, ...before.measure(delta) });
  expect(after.base).toBe(before.base);
  expect([after.get("sku-1"), after.get("new"), after.get("sku-2"), after.get("sku-3")]).toEqual([
    "1",
    "2",
    undefined,
    '{"price":3}',
  ]);
  expect(after.items).toBe(500);
  expect(after.getFromBase("sku-1")).toBe('{"price":1}');
  expect(before.get("sku-1")).toBe('{"price":1}');
  expect(new Map(after.overlay())).toEqual(
    new Map([
      ["sku-1", "1"],
      ["new", "2"],
      ["sku-2", undefined],
      ["nothing", undefined],
    ]),
  );
  expect(readAll(after)?.size).toBe(500);
});

test("a delta that does not come to its position is refused, and says what it comes to", async () => {
  const { blobs, shelf } = createWorld();
  const version = shelf.open(await putContent(blobs, many), 1);
  const delta = createDelta([["sku-1", "1"]], []);
  const measured = version.measure(delta);
  expect(() => version.with(delta, { number: 2, ...measured, items: 501 })).toThrow(
    expect.objectContaining({ code: "CORRUPT" }),
  );
  expect(() => version.with(delta, { number: 2, ...measured, contentHash: version.contentHash })).toThrow(
    expect.objectContaining({ code: "CORRUPT", details: expect.objectContaining({ found: measured }) }),
  );
});

/** Puts a layer and says what a base with it adds up to. */
async function putLayer(
  blobs: Blobs,
  version: ReadableVersion,
  changes: readonly (readonly [string, string | null])[],
): Promise<Content> {
  const layer = buildLayer(changes.map(([key, canonical]) => ({ key, canonical })));
  await blobs.put(layer.name, layer.bytes);
  const delta = createDelta(
    changes.flatMap(([key, canonical]) => (canonical === null ? [] : [[key, canonical] as const])),
    changes.flatMap(([key, canonical]) => (canonical === null ? [key] : [])),
  );
  const after = version.measure(delta);
  const { name, bytes, recordCount: records, itemCount: items, contentHash } = layer;
  const facts = { name, bytes: bytes.byteLength, records, items, contentHash };
  const ref = { ...facts, hidden: hiddenBy(facts, version, after) };
  return { base: { ...version.base, layers: [...version.base.layers, ref] }, overlay: null, ...after };
}

test("an overlay is held by somebody else through its content", async () => {
  const { blobs, shelf } = createWorld();
  const base = shelf.open(await putContent(blobs, many), 1);
  const delta = createDelta(
    Array.from({ length: 600 }, (_, index) => [`new-${index}`, `${index}`]),
    ["sku-1"],
  );
  const version = base.with(delta, { number: 2, ...base.measure(delta) });
  const content = version.content();
  expect(shelf.missing(content.base)).toEqual([]);

  const other = createWorld(createMemoryBlobs());
  const missing = other.shelf.missing(content.base);
  expect(missing.length).toBe(2);
  for (const { name, bytes } of missing) {
    const blob = await blobs.read(name);
    expect(blob.byteLength).toBe(bytes);
    await other.blobs.put(name, blob);
  }
  const again = other.shelf.open(JSON.parse(JSON.stringify(content)) as Content, 2);
  expect(readAll(again)).toEqual(readAll(version));
});

test("a version with layers reads as what the newest of them says, and is opened without reading any", async () => {
  const inner = createMemoryBlobs();
  const { shelf: builder } = createWorld(inner);
  const first = builder.open(await putContent(inner, many, 4), 1);
  const second = builder.open(
    await putLayer(inner, first, [
      ["sku-1", "1"],
      ["sku-2", null],
      ["new", "2"],
    ]),
    2,
  );
  const content = await putLayer(inner, second, [
    ["sku-1", "11"],
    ["sku-2", "22"],
    ["new", null],
    ["sku-3", null],
  ]);

  const { blobs, reads } = counting(inner);
  const version = createWorld(blobs).shelf.open(content, 3);
  expect(reads).toEqual(Array.from({ length: 4 + 2 }, () => 56));
  expect(["sku-1", "sku-2", "sku-3", "new", "sku-4"].map((key) => version.get(key))).toEqual([
    "11",
    "22",
    undefined,
    undefined,
    '{"price":4}',
  ]);
  expect(readAll(version)).toEqual(
    new Map([...many, ["sku-1", 11], ["sku-2", 22]].filter(([key]) => key !== "sku-3") as [string, JsonValue][]),
  );
  expect(version.items).toBe(499);
});

function patch(version: ReadableVersion, number: number, changes: readonly [string, string][]): ReadableVersion {
  const delta = createDelta(changes, []);
  return version.with(delta, { number, ...version.measure(delta) });
}

test("a version moves to another base, and what came after stays over it", async () => {
  const { blobs, shelf } = createWorld();
  const first = shelf.open(await putContent(blobs, many), 1);
  const second = patch(first, 2, [
    ["sku-1", "1"],
    ["sku-2", "2"],
  ]);
  const third = patch(second, 3, [
    ["sku-2", "3"],
    ["sku-5", "5"],
  ]);
  const { base } = await putLayer(blobs, first, [
    ["sku-1", "1"],
    ["sku-2", "2"],
  ]);

  const moved = shelf.rebase(third, base, 2);
  expect(new Map(moved.overlay())).toEqual(
    new Map([
      ["sku-2", "3"],
      ["sku-5", "5"],
    ]),
  );
  expect(readAll(moved)).toEqual(readAll(third));
  expect([moved.number, moved.contentHash, moved.items]).toEqual([3, third.contentHash, third.items]);
  // It is patched on as the one that it came from.
  expect(patch(moved, 4, [["sku-1", "4"]]).contentHash).toBe(patch(third, 4, [["sku-1", "4"]]).contentHash);
  expect(third.base).toBe(first.base);
});

test("a version that was packed is there again", async () => {
  const { blobs, shelf } = createWorld();
  const base = shelf.open(await putContent(blobs, many), 1);
  const delta = createDelta([["new", '{"deep":[1,"ü"]}']], ["sku-1"]);
  const version = base.with(delta, { number: 2, ...base.measure(delta) });
  const again = createWorld(blobs).shelf.unpack(
    JSON.parse(JSON.stringify(shelf.pack(version))) as ReturnType<Shelf["pack"]>,
  );
  expect(readAll(again)).toEqual(readAll(version));
  expect([again.number, again.contentHash]).toEqual([2, version.contentHash]);
});

const wrongs: [string, (content: Content) => Content][] = [
  ["content hash", (content) => ({ ...content, contentHash: "0".repeat(64) })],
  ["number of items", (content) => ({ ...content, items: content.items + 1 })],
  ["overlay", (content) => ({ ...content, overlay: { set: [["x", "1"]], remove: [] } })],
  ["set of parts", (content) => ({ ...content, base: { parts: content.base.parts.slice(1), layers: [] } })],
];
test.each(wrongs)("a version with a wrong %s is refused, and no blob is to blame", async (_what, spoil) => {
  const { blobs, shelf } = createWorld();
  const content = spoil(await putContent(blobs, many));
  const attempt = (): unknown => shelf.open(content, 1);
  expect(attempt).toThrow(expect.objectContaining({ code: "CORRUPT" }));
  expect(attempt).not.toThrow(
    expect.objectContaining({ details: expect.objectContaining({ blob: expect.anything() }) }),
  );
});

test("a part that is not here is unknown, with its name", async () => {
  const { shelf } = createWorld();
  const content = await putContent(createMemoryBlobs(), many);
  expect(() => shelf.open(content, 1)).toThrow(
    expect.objectContaining({ code: "BLOB_UNKNOWN", details: { blob: content.base.parts[0]?.name } }),
  );
});

test("parts that nothing retained needs stay open for the grace and are closed then", async () => {
  const { blobs, open } = counting(createMemoryBlobs());
  const { shelf, clock } = createWorld(blobs);
  const first = shelf.open(await putContent(blobs, many, 4), 1);
  const second = shelf.open(await putContent(blobs, new Map([...many, ["sku-1", 0]]), 4), 2);
  expect(open.size).toBe(5);
  shelf.retain([second]);
  clock.advance(partGraceMs - 1);
  expect(first.get("sku-1")).toBe('{"price":1}');
  clock.advance(1);
  expect(open.size).toBe(4);
  expect(() => first.get("sku-1")).toThrow(expect.objectContaining({ code: "CLOSED" }));
  expect(second.get("sku-1")).toBe("0");
  expect(clock.nextInMs()).toBe(undefined);
});

test("a version that is retained again within the grace keeps its parts", async () => {
  const { blobs, open } = counting(createMemoryBlobs());
  const { shelf, clock } = createWorld(blobs);
  const content = await putContent(blobs, many, 4);
  const first = shelf.open(content, 1);
  const second = shelf.open(await putContent(blobs, new Map([["a", 1]]), 1), 2);
  shelf.retain([second]);
  clock.advance(partGraceMs / 2);
  shelf.retain([first, second]);
  clock.advance(2 * partGraceMs);
  expect(open.size).toBe(5);
  shelf.retain([second]);
  clock.advance(partGraceMs / 2);
  shelf.open(content, 1);
  shelf.retain([first, second]);
  clock.advance(2 * partGraceMs);
  expect(first.get("sku-1")).toBe('{"price":1}');
});

test("a closed shelf leaves no file and no timer", async () => {
  const { blobs, open } = counting(createMemoryBlobs());
  const { shelf, clock } = createWorld(blobs);
  const version = shelf.open(await putContent(blobs, many, 4), 1);
  version.get("sku-1");
  shelf.retain([]);
  shelf.close();
  expect(open.size).toBe(0);
  expect(clock.nextInMs()).toBe(undefined);
});

test("a damaged record is never read as an item: it is said with the part's name, and the part is whole again once it is opened anew", async () => {
  const directory = mkdtempSync(join(tmpdir(), "sluice-shelf-"));
  directories.push(directory);
  const { blobs, shelf, damages } = createWorld(createDirectoryBlobs(directory));
  const content = await putContent(blobs, many, 1);
  const name = content.base.parts[0]?.name ?? "";
  const path = join(directory, name.slice(0, 2), name);
  const good = readFileSync(path);
  const version = shelf.open(content, 1);
  const position = good.indexOf('{"price":77}');
  const bad = Buffer.from(good);
  bad.write("8", position + 9);
  writeFileSync(path, bad);

  expect(() => version.get("sku-77")).toThrow(
    expect.objectContaining({ code: "CORRUPT", details: expect.objectContaining({ blob: name }) }),
  );
  expect(() => version.get("sku-77")).toThrow("CRC-32");
  expect(damages.map((damage) => damage.name)).toEqual([name]);
  expect([...shelf.damaged().keys()]).toEqual([name]);
  expect(version.get("sku-78")).toBe('{"price":78}');
  expect(() => [...version.entries()]).toThrow(expect.objectContaining({ code: "CORRUPT" }));

  await expect(blobs.read(name)).rejects.toMatchObject({ code: "CORRUPT" });
  await blobs.put(name, good);
  shelf.reopen(name);
  expect(version.get("sku-77")).toBe('{"price":77}');
  expect(shelf.damaged().size).toBe(0);
  shelf.close();
});
