import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Content, createDelta, createVirtualClock, type SluiceError, type VirtualClock } from "@sluice/core";
import { afterEach, expect, test } from "vitest";
import type { Blobs } from "./blobs.ts";
import { createDirectoryBlobs } from "./directory-blobs.ts";
import { type Items, putContent, readAll } from "./log.testing.ts";
import { createMemoryBlobs } from "./memory-blobs.ts";
import { partGraceMs } from "./parts.ts";
import { createShelf, type Shelf } from "./shelf.ts";

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

test.each([
  ["small", 3],
  ["large", 6_000],
])("a %s overlay is held by somebody else through its content", async (_size, count) => {
  const { blobs, shelf } = createWorld();
  const base = shelf.open(await putContent(blobs, many), 1);
  const delta = createDelta(
    Array.from({ length: count }, (_, index) => [`new-${index}`, `${index}`]),
    ["sku-1"],
  );
  const version = base.with(delta, { number: 2, ...base.measure(delta) });
  const content = await version.content();
  expect(content.overlay !== null && "blob" in content.overlay).toBe(count > 1_000);
  expect(shelf.missing(content)).toEqual([]);

  const other = createWorld(createMemoryBlobs());
  const missing = other.shelf.missing(content);
  expect(missing.length).toBe(count > 1_000 ? 3 : 2);
  for (const { name, bytes } of missing) {
    const blob = await blobs.read(name);
    expect(blob.byteLength).toBe(bytes);
    await other.blobs.put(name, blob);
  }
  const again = other.shelf.open(content, 2);
  expect(readAll(again)).toEqual(readAll(version));
  expect(other.shelf.blobsOf(again)).toEqual(missing.map(({ name }) => name));
});

test("an overlay that was put is known to be needed", async () => {
  const { blobs, shelf } = createWorld();
  const base = shelf.open(await putContent(blobs, many), 1);
  const delta = createDelta(
    Array.from({ length: 6_000 }, (_, index) => [`new-${index}`, "1"]),
    [],
  );
  const version = base.with(delta, { number: 2, ...base.measure(delta) });
  expect(shelf.blobsOf(version).length).toBe(2);
  const { overlay } = await version.content();
  expect(shelf.blobsOf(version)).toContain(overlay !== null && "blob" in overlay ? overlay.blob : "");
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
  ["overlay", (content) => ({ ...content, overlay: { inline: { set: [["x", 1]], remove: [] } } })],
  ["set of parts", (content) => ({ ...content, base: { parts: content.base.parts.slice(1) } })],
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
