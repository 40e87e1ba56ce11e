import { createVirtualClock, SluiceError } from "@sluice/core";
import { expect, test } from "vitest";
import type { Blobs } from "./blobs.ts";
import { putContent } from "./log.testing.ts";
import { createMemoryBlobs } from "./memory-blobs.ts";
import { partGraceMs } from "./parts.ts";
import { createRepairs } from "./repairs.ts";
import { createShelf } from "./shelf.ts";
import { settle } from "./turns.testing.ts";

/** A version of one part whose disk answers `read` as told. */
async function createWorld() {
  const inner = createMemoryBlobs();
  const content = await putContent(inner, new Map([["a", 1]]), 1);
  const name = content.base.parts[0]?.name ?? "";
  const world = { answer: null as SluiceError | null, failing: true, told: [] as string[], reads: 0 };
  const blobs: Blobs = {
    ...inner,
    open(its) {
      const blob = inner.open(its);
      return {
        ...blob,
        read(position, length) {
          if (world.failing && length > 56) throw new Error("EIO");
          return blob.read(position, length);
        },
      };
    },
    async read(its) {
      world.reads++;
      if (world.answer !== null) throw world.answer;
      return inner.read(its);
    },
  };
  const clock = createVirtualClock();
  const shelf = createShelf({ blobs, clock, onDamage: (its) => repairs.mend(its) });
  const repairs = createRepairs({
    shelf,
    onSound: () => void world.told.push("sound"),
    onGone: () => void world.told.push("gone"),
  });
  const version = shelf.open(content, 1);
  return { world, clock, shelf, repairs, version, name, bytes: content.base.parts[0]?.bytes ?? 0 };
}

test("a part that could not be read and is whole on disk is opened anew", async () => {
  const { world, shelf, repairs, version } = await createWorld();
  expect(() => version.get("a")).toThrow("EIO");
  world.failing = false;
  await settle();
  expect(world.told).toEqual(["sound"]);
  expect(version.get("a")).toBe("1");
  expect(shelf.damaged().size).toBe(0);
  expect(repairs.needed()).toEqual([]);
});

test("a part that is whole on disk and cannot be read again and again is not looked at for ever", async () => {
  const { world, version } = await createWorld();
  for (let reads = 0; reads < 20; reads++) {
    expect(() => version.get("a")).toThrow("EIO");
    await settle();
  }
  expect(world.reads).toBe(2);
});

test("a part that is corrupt on disk is needed again, and opened anew when it arrives", async () => {
  const { world, repairs, version, name, bytes } = await createWorld();
  world.answer = new SluiceError("CORRUPT", "wrong bytes");
  expect(() => version.get("a")).toThrow("EIO");
  await settle();
  expect(world.told).toEqual(["gone"]);
  expect(repairs.needed()).toEqual([{ name, bytes }]);
  expect(repairs.corrupt()).toBe(1);
  world.failing = false;
  repairs.arrived(name);
  expect(repairs.needed()).toEqual([]);
  expect(version.get("a")).toBe("1");
});

test("a corrupt part on which nothing stands any more is not asked for: whoever has it may have let it go as well", async () => {
  const { world, clock, shelf, repairs, version } = await createWorld();
  world.answer = new SluiceError("CORRUPT", "wrong bytes");
  expect(() => version.get("a")).toThrow("EIO");
  await settle();
  shelf.retain([]);
  clock.advance(partGraceMs - 1);
  expect(repairs.needed()).toHaveLength(1);
  clock.advance(1);
  expect(repairs.needed()).toEqual([]);
});

test("where the disk does not answer, it is asked again", async () => {
  const { world, repairs, version } = await createWorld();
  world.answer = new SluiceError("STORE_UNAVAILABLE", "EIO");
  expect(() => version.get("a")).toThrow("EIO");
  await settle();
  expect(world.told).toEqual([]);
  world.answer = null;
  world.failing = false;
  repairs.retry();
  await settle();
  expect(world.told).toEqual(["sound"]);
  repairs.retry();
  await settle();
  expect(world.reads).toBe(2);
});
