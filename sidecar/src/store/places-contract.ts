import { describe, expect, test } from "vitest";
import { datasetCreated, hashOf, logged, patched, published, rebased } from "./sample-events.ts";
import { type CreatePlace, useStore } from "./store-place.testing.ts";

/** What every store must do for whoever goes back to an older version of a dataset. */
export function describePlaces(name: string, createPlace: CreatePlace): void {
  describe(`what the ${name} store knows of the lines of a dataset`, () => {
    const store = useStore(createPlace);
    const { append, checkpoint, prune, reopen, sequences } = store;
    const patches = async (dataset: string, after: number, limit = 10): Promise<number[]> =>
      (await store.log.readPatches({ dataset, after, limit })).map(({ sequence }) => sequence);
    const rebases = async (after: number): Promise<number[]> =>
      (await store.log.readRebases({ dataset: "prices", after, limit: 10 })).map(({ sequence }) => sequence);

    /** A dataset, a publish and `count` patches a second apart, events 1 to 2 + count. */
    const fill = async (count: number): Promise<void> => {
      const some = Array.from({ length: count }, (_, index) => patched("stock", 2 + index, `s${2 + index}`));
      await append(logged(1, datasetCreated("stock"), published("stock", 1, "s", true), ...some));
    };

    test("patches of one dataset are read without those of the others, as far as they are here", async () => {
      await append(
        logged(
          1,
          datasetCreated("stock"),
          datasetCreated("prices"),
          published("stock", 1, "s", true),
          published("prices", 1, "p", true),
          patched("stock", 2, "s2"),
          patched("prices", 2, "p2"),
          rebased("prices", 1, 2, "p2"),
          patched("stock", 3, "s3"),
          patched("prices", 3, "p3"),
          rebased("prices", 1, 3, "p3"),
        ),
      );
      expect(await patches("prices", 0)).toEqual([6, 9]);
      expect(await patches("prices", 0, 1)).toEqual([6]);
      expect(await patches("stock", 5)).toEqual([8]);
      expect(await patches("flags", 0)).toEqual([]);
      expect(await rebases(0)).toEqual([7, 10]);
      await checkpoint(8);
      await checkpoint(10);
      await prune({ patchesBefore: 1_000_000 });
      await reopen();
      await expect(patches("prices", 5)).rejects.toMatchObject({ code: "PRUNED", details: { through: 8 } });
      expect(await patches("prices", 8)).toEqual([9]);
      // No patch of it has gone.
      expect(await patches("flags", 0)).toEqual([]);
      expect(await rebases(0)).toEqual([10]);
    });

    test("old patches stay where a version is made of them, unless they take too much room", async () => {
      await fill(10);
      await checkpoint(11);
      await checkpoint(12);
      expect(await prune({ patchesBefore: 1_000_000, patchesAfter: 7 })).toMatchObject({ patches: 5 });
      expect(await sequences(7)).toEqual([8, 9, 10, 11, 12]);
      expect(await prune({ patchesBefore: 1_000_000, patchesAfter: 7, patchesBytesMax: 0 })).toMatchObject({
        patches: 4,
      });
    });

    test("contents that are entered for a line are found, and go as those of a patch do", async () => {
      await append(logged(1, datasetCreated("stock"), published("stock", 1, "s", true)));
      const many = Array.from({ length: 1_300 }, (_, index) => hashOf(`content ${index}`));
      await store.log.putContents("stock", 1, many);
      await store.log.putContents("stock", 1, many.slice(0, 3));
      await reopen();
      expect(await store.log.linesWithContent("stock", hashOf("content 1299"))).toEqual([1]);
      expect(await prune({ lines: { controlSequence: 2, publishes: { stock: [1] } } })).toMatchObject({ contents: 0 });
      expect(await prune({ lines: { controlSequence: 2, publishes: {} } })).toMatchObject({ contents: 1_300 });
      expect(await store.log.linesWithContent("stock", hashOf("content 0"))).toEqual([]);
    });
  });
}
