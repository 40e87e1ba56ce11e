import { type Content, createContentHash, itemHash, type LoggedEvent } from "@sluice/core";
import type { ReadableVersion } from "@sluice/replica";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Replay } from "./replay.ts";
import { createWorkedOut } from "./worked-out.ts";

type Values = Map<string, string>;

const keys = ["a", "b", "c", "d", "e", "f", "g", "h"];

/** Of the keys some, each with one of three values. */
const values = fc
  .array(fc.tuple(fc.constantFrom(...keys), fc.constantFrom("1", "2", "3")), { maxLength: 8 })
  .map((entries): Values => new Map(entries));
const patches = fc.array(
  fc.tuple(fc.constantFrom(...keys), fc.option(fc.constantFrom("1", "2", "3"), { nil: undefined })),
  { maxLength: 8 },
);
const files: Pick<Content, "base" | "overlay"> = { base: { parts: [], layers: [] }, overlay: null };

function put(to: Map<string, string | undefined>, key: string, value: string | undefined): void {
  if (value === undefined) to.delete(key);
  else to.set(key, value);
}

function hashOf(of: Values): string {
  const sum = createContentHash();
  for (const [key, value] of of) sum.add(itemHash(key, value));
  return sum.hex();
}

function patched(sequence: number, key: string, value: string | undefined): LoggedEvent {
  const delta = value === undefined ? { set: [], remove: [key] } : { set: [[key, value] as const], remove: [] };
  const position = { number: sequence, contentHash: "", items: 0 };
  return {
    sequence,
    at: 0,
    by: { kind: "person", name: "anna" },
    event: { type: "patched", dataset: "prices", stable: position, candidate: null, delta, candidateDelta: null },
  };
}

/** Counted over every key, which is what the sums that patches move have to come to. */
function counted(stable: Values, restored: Values, without: (key: string) => string | undefined) {
  const differing = keys.filter((key) => stable.get(key) !== restored.get(key));
  return {
    added: differing.filter((key) => !stable.has(key)).length,
    removed: differing.filter((key) => !restored.has(key)).length,
    changed: differing.filter((key) => stable.has(key) && restored.has(key)).length,
    unchanged: keys.filter((key) => stable.has(key) && stable.get(key) === restored.get(key)).length,
    droppedKeys: keys.filter((key) => stable.get(key) !== without(key)).length,
  };
}

test("whatever patches come since the comparison, the figures are those of a comparison made afterwards", async () => {
  await fc.assert(
    fc.asyncProperty(values, values, values, patches, async (stable, restored, lost, list) => {
      const without = new Map<string, string | undefined>(keys.slice(4).map((key) => [key, lost.get(key)]));
      const withoutNow = (key: string): string | undefined => (without.has(key) ? without.get(key) : restored.get(key));
      const replay: Replay = {
        after: 0,
        take({ event }) {
          if (event.type !== "patched") return;
          for (const [key, value] of event.delta.set) change(key, value);
          for (const key of event.delta.remove) change(key, undefined);
        },
        values: {
          number: 1,
          get: (key) => restored.get(key),
          set: () => undefined,
          take: () => undefined,
          base: files.base,
          overlay: () => [],
        },
        isComplete: () => false,
        contentHash: () => null,
        dropped: () => 0,
        without,
        drainContents: () => new Map(),
      };
      // What a patch changes is what the line that comes back has too, but for every second one.
      const change = (key: string, value: string | undefined): void => {
        if (value === "3") return;
        put(restored, key, value);
        if (without.has(key)) without.set(key, value);
      };
      const { added, removed, changed, unchanged } = counted(stable, restored, withoutNow);
      const compared = {
        contentHash: hashOf(restored),
        items: restored.size,
        difference: { added, removed, changed, unchanged, examples: [] },
      };
      const now = new Map(stable);
      const held = { get: (key: string) => stable.get(key) } satisfies Pick<ReadableVersion, "get">;
      const worked = await createWorkedOut(replay, held, compared, async () => undefined);
      for (const [index, [key, value]] of list.entries()) {
        worked.take(patched(index + 1, key, value));
        put(now, key, value);
      }
      const { content, difference, droppedKeys } = worked.finish(files);
      const { droppedKeys: dropped, ...counts } = counted(now, restored, withoutNow);
      expect(difference).toEqual({ ...counts, examples: [] });
      expect(droppedKeys).toBe(dropped);
      expect(content).toMatchObject({ contentHash: hashOf(restored), items: restored.size });
      expect(worked.finish(files)).toEqual({ content, difference, droppedKeys });
    }),
  );
});
