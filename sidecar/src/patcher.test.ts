import type { Check, Command, JsonValue } from "@sluice/core";
import { applyMergePatch, canonicalJson, stockChecks } from "@sluice/core";
import type { PatchBody, PatchItem } from "@sluice/core/api";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Executed } from "./commands.ts";
import type { Working } from "./working.ts";
import { buildPatch } from "./patcher.ts";
import {
  contentHashOf,
  createSampleOrigin,
  type Items,
  itemsOf,
  mei,
  originWith,
  release,
  type SampleOrigin,
} from "./publish/sample-origin.ts";

/** Patches `prices` and says what came of it. */
function patch(origin: SampleOrigin, items: readonly PatchItem[], line: PatchBody["line"] = null): Promise<Executed> {
  const body = { items, line };
  const build = (working: Working): Command => buildPatch(working.lines("prices"), working.state, "prices", body);
  return origin.commands.execute({ by: mei, build });
}

const first: Items = { tea: { price: 10, tags: { new: true } }, rice: { price: 5 }, salt: 1 };

/** An origin whose `prices` stand at `first`, and a release of them with another price of tea. */
async function released(
  candidate: Items = { ...first, tea: { price: 12, tags: { new: true } } },
): Promise<SampleOrigin> {
  const origin = await originWith();
  await origin.publish(first);
  await origin.publish(candidate, { request: release });
  return origin;
}

test("a merge patch changes members, removes those that are null, and makes an item that is not there", async () => {
  const origin = await originWith();
  await origin.publish(first);
  await patch(origin, [
    { key: "tea", merge: { price: 11, tags: { new: null, hot: true } } },
    { key: "oil", merge: { price: 20, tags: { new: null } } },
    { key: "salt", merge: { price: 2 } },
  ]);
  const { stable } = origin.lines();
  const expected = {
    ...first,
    tea: { price: 11, tags: { hot: true } },
    oil: { price: 20, tags: {} },
    salt: { price: 2 },
  };
  expect(itemsOf(stable)).toEqual(expected);
  expect(stable).toMatchObject({ number: 2, items: 4, contentHash: contentHashOf(expected) });
});

test("a whole value takes the place of the old one, and a remove takes the item away", async () => {
  const origin = await originWith();
  await origin.publish(first);
  await patch(origin, [
    { key: "tea", value: null },
    { key: "rice", remove: true },
    { key: "none", remove: true },
  ]);
  expect(itemsOf(origin.lines().stable)).toEqual({ tea: null, salt: 1 });
});

test("a patch that changes nothing is unchanged, and gives no number", async () => {
  const origin = await originWith();
  await origin.publish(first);
  const executed = await patch(origin, [
    { key: "rice", merge: { price: 5 } },
    { key: "none", remove: true },
  ]);
  expect(executed).toMatchObject({ decision: { kind: "unchanged" }, events: [] });
  expect(origin.state().datasets["prices"]?.lastNumber).toBe(1);
});

test("while a version is held or released a patch goes to both lines, each merged into its own value", async () => {
  const origin = await released();
  const { events } = await patch(origin, [
    { key: "tea", merge: { tags: { hot: true } } },
    { key: "oil", value: 3 },
  ]);
  expect(events[0]?.event).toMatchObject({
    type: "patched",
    stable: { number: 3 },
    candidate: { number: 4 },
    delta: {
      set: [
        ["oil", "3"],
        ["tea", '{"price":10,"tags":{"hot":true,"new":true}}'],
      ],
    },
    candidateDelta: {
      set: [
        ["oil", "3"],
        ["tea", '{"price":12,"tags":{"hot":true,"new":true}}'],
      ],
    },
  });
  expect(itemsOf(origin.lines().stable)["tea"]).toEqual({ price: 10, tags: { hot: true, new: true } });
  expect(itemsOf(origin.lines().candidate)["tea"]).toEqual({ price: 12, tags: { hot: true, new: true } });
});

test("a patch that makes the same change in both lines is written once", async () => {
  const origin = await released();
  const { events } = await patch(origin, [{ key: "rice", merge: { price: 6 } }]);
  expect(events[0]?.event).toMatchObject({ delta: { set: [["rice", '{"price":6}']] }, candidateDelta: null });
});

test("a patch that changes one line alone says so of the other", async () => {
  const origin = await released();
  const { events } = await patch(origin, [{ key: "tea", merge: { price: 10 } }]);
  expect(events[0]?.event).toMatchObject({
    delta: { set: [], remove: [] },
    candidateDelta: { set: [["tea", '{"price":10,"tags":{"new":true}}']] },
  });
});

test.each<[string, PatchItem]>([
  ["a whole value", { key: "tea", value: { price: 1 } }],
  ["a remove", { key: "tea", remove: true }],
  ["a merge patch that is no object, which replaces the whole", { key: "tea", merge: 4 }],
])("%s of a key in which the lines differ is refused with the key, unless it says both", async (_, item) => {
  const origin = await released();
  await expect(patch(origin, [item, { key: "rice", value: 1 }])).rejects.toMatchObject({
    code: "LINES_DIFFER",
    details: { keys: ["tea"] },
  });
  await patch(origin, [item], "both");
  expect(itemsOf(origin.lines().stable)["tea"]).toEqual(itemsOf(origin.lines().candidate)["tea"]);
});

test("patches given together each stand on the one before", async () => {
  const origin = await released();
  const all = await Promise.all(
    Array.from({ length: 20 }, (_, index) => patch(origin, [{ key: "tea", merge: { [`n${index}`]: index } }])),
  );
  expect(all.map(({ events }) => events.length)).toEqual(all.map(() => 1));
  expect(Object.keys(itemsOf(origin.lines().stable)["tea"] as object)).toHaveLength(22);
  expect(itemsOf(origin.lines().candidate)["tea"]).toMatchObject({ price: 12, n0: 0, n19: 19 });
});

test.each<[string, PatchItem[], string]>([
  [
    "a key that comes twice",
    [
      { key: "tea", merge: {} },
      { key: "tea", remove: true },
    ],
    "DUPLICATE_KEY",
  ],
  ["a key that is too long", [{ key: "k".repeat(513), value: 1 }], "LIMIT_EXCEEDED"],
  ["a key with a line break", [{ key: "a\nb", value: 1 }], "INVALID_ITEM"],
  ["a value that is too long", [{ key: "tea", value: "v".repeat(1_048_575) }], "LIMIT_EXCEEDED"],
  ["a merge that makes a value too long", [{ key: "tea", merge: { text: "v".repeat(1_048_570) } }], "LIMIT_EXCEEDED"],
  ["a value that has no canonical form", [{ key: "tea", value: "\ud800" }], "INVALID_JSON"],
])("%s is refused with its code and its key, and nothing has changed", async (_, items, code) => {
  const origin = await originWith();
  await origin.publish(first);
  const key = items.at(-1)?.key;
  await expect(patch(origin, items)).rejects.toMatchObject({ code, details: { problems: [{ key }] } });
  expect(itemsOf(origin.lines().stable)).toEqual(first);
});

test("a dataset that is not there, and one without a version, are refused as a decision", async () => {
  const origin = createSampleOrigin();
  await expect(patch(origin, [{ key: "tea", value: 1 }])).rejects.toMatchObject({ code: "DATASET_UNKNOWN" });
  await origin.createDataset();
  await expect(patch(origin, [{ key: "tea", value: 1 }])).rejects.toMatchObject({ code: "VERSION_NONE" });
});

test("what no value may be is refused in a patch too, with the keys; what only warns is taken", async () => {
  const origin = createSampleOrigin();
  const warn: Check = { kind: "forbiddenValue", field: "/stock", maximum: 100, action: "warn" };
  const removed: Check = { kind: "keysRemoved", shareMax: 0, action: "refuse" };
  await origin.createDataset({ checks: [...stockChecks, warn, removed] });
  await origin.publish({ tea: { stock: 1 }, rice: { stock: 2 } });
  await expect(
    patch(origin, [
      { key: "tea", merge: { stock: -1 } },
      { key: "rice", merge: { stock: 3 } },
    ]),
  ).rejects.toMatchObject({ code: "CHECK_REFUSED", details: { problems: [{ key: "tea", path: "/stock" }], total: 1 } });
  expect(itemsOf(origin.lines().stable)).toEqual({ tea: { stock: 1 }, rice: { stock: 2 } });
  // How many keys may go is a question about whole versions; a patch says which.
  await patch(origin, [
    { key: "tea", remove: true },
    { key: "rice", merge: { stock: 200 } },
  ]);
  expect(itemsOf(origin.lines().stable)).toEqual({ rice: { stock: 200 } });
});

test("whatever a patch does to two lines, both come to what their items say, and the log's deltas lead there", async () => {
  const keys = fc.constantFrom("a", "b", "c", "d", "e");
  const value = fc.oneof(
    fc.integer({ min: 0, max: 3 }),
    fc.dictionary(fc.constantFrom("x", "y"), fc.integer({ min: 0, max: 2 })),
  );
  const items = fc.dictionary(keys, value, { minKeys: 1 }) as fc.Arbitrary<Items>;
  const merges = fc.oneof(value, fc.dictionary(fc.constantFrom("x", "y"), fc.constantFrom(null, 1)));
  const changes = fc.uniqueArray(
    fc.oneof(
      fc.record({ key: keys, merge: merges }),
      fc.record({ key: keys, value }),
      fc.record({ key: keys, remove: fc.constant(true as const) }),
    ),
    { selector: ({ key }) => key, minLength: 1 },
  );
  await fc.assert(
    fc.asyncProperty(
      items,
      items,
      fc.array(changes, { minLength: 1, maxLength: 4 }),
      async (stable, candidate, patches) => {
        const origin = await originWith();
        await origin.publish({ ...stable, z: 1 });
        await origin.publish({ ...candidate, z: 2 });
        let [onStable, onCandidate]: [Items, Items] = [
          { ...stable, z: 1 },
          { ...candidate, z: 2 },
        ];
        for (const changed of patches) {
          await patch(origin, changed, "both");
          [onStable, onCandidate] = [patched(onStable, changed), patched(onCandidate, changed)];
          expect(itemsOf(origin.lines().stable)).toEqual(onStable);
          expect(itemsOf(origin.lines().candidate)).toEqual(onCandidate);
          expect(origin.lines().candidate?.contentHash).toBe(contentHashOf(onCandidate));
        }
      },
    ),
    { numRuns: 60 },
  );
});

/** What a patch makes of items, by the letter. */
function patched(items: Items, changes: readonly PatchItem[]): Items {
  const result = new Map(Object.entries(items));
  for (const change of changes) {
    if ("remove" in change) result.delete(change.key);
    else if ("value" in change) result.set(change.key, change.value as JsonValue);
    else result.set(change.key, applyMergePatch(result.get(change.key), change.merge as JsonValue));
  }
  return Object.fromEntries([...result].map(([key, value]) => [key, JSON.parse(canonicalJson(value)) as JsonValue]));
}

test("a version that cannot be read is not patched as the one before it, which is shown in its place", async () => {
  const origin = await originWith();
  await origin.publish(first);
  const shown = origin.lines();
  await patch(origin, [{ key: "tea", merge: { price: 11 } }]);
  const body: PatchBody = { items: [{ key: "rice", value: 6 }], line: null };
  const patchOf = (stable: typeof shown.stable): Command =>
    buildPatch({ stable, candidate: null }, origin.commands.state(), "prices", body);
  for (const stable of [shown.stable, null]) {
    expect(() => patchOf(stable)).toThrow(expect.objectContaining({ code: "CORRUPT" }));
  }
  expect(patchOf(origin.lines().stable)).toMatchObject({ type: "patch" });
});
