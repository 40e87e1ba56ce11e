import { emptyState } from "@sluice/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { isReverted } from "./changes.ts";
import { createTestClient, type TestClient } from "./testing.ts";
import type { View } from "./view.ts";

interface Price {
  readonly amount: number;
}
type Items = { readonly prices: Price; readonly stock: number };

let client: TestClient<Items>;
let canary: View<Items>;
let control: View<Items>;

beforeEach(() => {
  client = createTestClient({
    datasets: { prices: { same: { amount: 1 }, moved: { amount: 1 }, gone: { amount: 1 } }, stock: { same: 5 } },
    candidate: { prices: { same: { amount: 1 }, moved: { amount: 2 }, added: { amount: 3 } } },
    percentage: 50,
  });
  canary = client.view({ targetingKey: client.targetingKey("prices", "candidate") });
  control = client.view({ targetingKey: client.targetingKey("prices", "control") });
});

afterEach(() => client.close());

const read = (view: View<Items>): unknown[] => [
  view.get("prices", "moved"),
  view.get("prices", "same"),
  view.get("stock", "same"),
];
const errorOf = (code: string): unknown => expect.objectContaining({ code });

test("each arm reads its own line, and what they share is one value", () => {
  expect([canary.get("prices", "moved"), control.get("prices", "moved")]).toEqual([{ amount: 2 }, { amount: 1 }]);
  expect([canary.get("prices", "added"), control.get("prices", "added")]).toEqual([{ amount: 3 }, undefined]);
  expect([canary.get("prices", "gone"), control.get("prices", "gone")]).toEqual([undefined, { amount: 1 }]);
  expect(canary.get("prices", "same")).toBe(control.get("prices", "same"));
});

test("what is read is frozen", () => {
  const price = canary.get("prices", "same");
  expect(() => Object.assign(price ?? {}, { amount: 0 })).toThrow(TypeError);
});

test("many are read at once, keys without an item left out", () => {
  expect(canary.getMany("prices", ["moved", "nothing", "same"])).toEqual(
    new Map([
      ["moved", { amount: 2 }],
      ["same", { amount: 1 }],
    ]),
  );
});

test("has and entries read the same line as get", () => {
  expect([canary.has("prices", "added"), canary.has("prices", "gone"), control.has("prices", "gone")]).toEqual([
    true,
    false,
    true,
  ]);
  expect(new Map(canary.entries("prices"))).toEqual(
    new Map([
      ["same", { amount: 1 }],
      ["moved", { amount: 2 }],
      ["added", { amount: 3 }],
    ]),
  );
});

test("a view says what it reads", () => {
  expect([canary.version("prices"), canary.arm("prices"), canary.version("stock"), canary.arm("stock")]).toEqual([
    2,
    "candidate",
    1,
    null,
  ]);
  expect([control.version("prices"), control.arm("prices")]).toEqual([1, "control"]);
  expect(canary.release("prices")).toBe(control.release("prices"));
  expect(canary.release("stock")).toBeNull();
});

test("a cache key names the content that is read: the same for the same version, another for another", () => {
  expect(canary.cacheKey("prices")).not.toBe(control.cacheKey("prices"));
  expect(client.view().cacheKey("prices")).toBe(control.cacheKey("prices"));
  client.patch("prices", { same: { amount: 9 } });
  expect(client.view().cacheKey("prices")).not.toBe(control.cacheKey("prices"));
});

test("a view carries whom it is for", () => {
  const view = client.view({ targetingKey: "user-7", attributes: { country: "CN" } });
  expect([view.targetingKey, view.attributes]).toEqual(["user-7", { country: "CN" }]);
  expect([client.view().targetingKey, client.view().attributes]).toEqual([undefined, {}]);
});

test("a dataset that the client was not made with is an error, not an empty one", () => {
  const view: View = createTestClient({ datasets: { prices: {} } }).view();
  expect(() => view.get("price", "a")).toThrow(errorOf("DATASET_UNKNOWN"));
  expect(() => view.get("constructor", "a")).toThrow(errorOf("DATASET_UNKNOWN"));
});

test("invariant 4: a view stays at its position of the log through patches, percentage, promotion and revert", () => {
  const before = [read(canary), read(control)];
  client.patch("prices", { same: { amount: 7 }, moved: { amount: 7 } });
  client.patch("stock", { same: 4 });
  client.setPercentage(100);
  expect(client.view().get("prices", "same")).toEqual({ amount: 7 });
  client.revert();
  expect([read(canary), read(control)]).toEqual(before);
  expect(client.view().get("stock", "same")).toBe(4);
});

describe("invariant 1", () => {
  test("after a revert no new view sees what was reverted, and a view that does knows it", () => {
    client.revert();
    expect(client.view({ targetingKey: canary.targetingKey }).get("prices", "moved")).toEqual({ amount: 1 });
    expect(canary.get("prices", "moved")).toEqual({ amount: 2 });
    expect([canary.reverted, control.reverted]).toEqual([true, false]);
  });

  test("commit checks at the last moment: a reverted view commits nothing", () => {
    const committed: string[] = [];
    expect(canary.commit(() => committed.push("before"))).toBe(1);
    client.revert();
    expect(() => canary.commit(() => committed.push("after"))).toThrow(errorOf("VIEW_REVERTED"));
    expect(control.commit(() => committed.push("control"))).toBe(2);
    expect(committed).toEqual(["before", "control"]);
  });

  test("a view of a release that nobody knows any more counts as reverted: nobody can vouch for it", () => {
    expect(isReverted("r", { log: "another", state: emptyState, datasets: new Map(), marks: new Set() })).toBe(true);
  });

  test("a view that has expired neither reads nor commits", () => {
    client.advance(9_999);
    expect(canary.get("prices", "same")).toEqual({ amount: 1 });
    const walk = canary.entries("prices");
    walk.next();
    client.advance(1);
    for (const late of [
      () => canary.get("prices", "same"),
      () => canary.getMany("prices", ["same"]),
      () => canary.has("prices", "same"),
      () => canary.entries("prices").next(),
      () => walk.next(),
      () => canary.commit(() => undefined),
    ]) {
      expect(late).toThrow(errorOf("VIEW_EXPIRED"));
    }
    expect(canary.version("prices")).toBe(2);
  });
});

describe("an item that breaks the application's schema", () => {
  const schemas = { prices: z.object({ amount: z.number().positive() }), names: null };
  const good = { amount: 1 };
  const bad = { amount: -1 };
  const other = { amount: 2 };

  const broken = (stable: Record<string, { amount: number }>, candidate: Record<string, { amount: number }>) => {
    const made = createTestClient({
      schemas,
      datasets: { prices: stable, names: { a: "x" } },
      candidate: { prices: candidate },
      percentage: 50,
    });
    const refused: unknown[] = [];
    made.on("refused", ({ key, dataset }) => refused.push(`${dataset} ${key}`));
    const viewIn = (arm: "candidate" | "control") => made.view({ targetingKey: made.targetingKey("prices", arm) });
    return { made, refused, viewIn };
  };

  test("moves a view that has read nothing that differs whole to stable, and takes the candidate from new views", () => {
    const { made, refused, viewIn } = broken({ a: good, b: good, same: good }, { a: bad, b: other, same: good });
    const view = viewIn("candidate");
    expect(view.get("prices", "same")).toEqual(good);
    expect(view.get("prices", "a")).toEqual(good);
    expect([view.arm("prices"), view.version("prices"), view.get("prices", "b"), view.reverted]).toEqual([
      "control",
      1,
      good,
      false,
    ]);
    expect(viewIn("candidate").get("prices", "b")).toEqual(good);
    expect(refused).toEqual(["prices a"]);
    expect(made.status().datasets.prices.refusal).toMatchObject({ key: "a", version: 2 });
    view.succeed();
    viewIn("candidate").run(() => undefined);
    expect(made.outcomes).toEqual([]);
  });

  test("fails a view that has read something that differs: two lines are never mixed", () => {
    const { made, refused, viewIn } = broken({ a: good, b: good }, { a: bad, b: other });
    const view = viewIn("candidate");
    const read = (): unknown => [view.get("prices", "b"), view.get("prices", "a")];
    expect(() => view.run(read)).toThrow(errorOf("ITEM_INVALID"));
    expect(view.get("prices", "b")).toEqual(other);
    expect(made.outcomes).toMatchObject([{ arm: "candidate", failure: "invalid-item" }]);
    expect(refused).toEqual(["prices a"]);
  });

  test("says which item, which version and what is wrong", () => {
    const { viewIn } = broken({ a: bad }, { a: bad, b: good });
    expect(() => viewIn("control").get("prices", "a")).toThrow(/prices "a" of v1 .*schema: amount: /);
  });

  test("fails a view on stable, as it does in the other arm where both lines have it; the candidate is not to blame", () => {
    const { made, refused, viewIn } = broken({ a: bad, b: good }, { a: bad, b: other });
    for (const arm of ["candidate", "control"] as const) {
      expect(() => viewIn(arm).get("prices", "a")).toThrow(errorOf("ITEM_INVALID"));
      const touched = viewIn(arm);
      touched.get("prices", "b");
      expect(() => touched.get("prices", "a")).toThrow(errorOf("ITEM_INVALID"));
    }
    expect(refused).toEqual([]);
    expect(viewIn("candidate").get("prices", "b")).toEqual(other);
    expect(made.outcomes).toEqual([]);
  });

  test("of stable that the candidate mends is a failure of the control arm", () => {
    const { made, viewIn } = broken({ a: bad }, { a: good });
    expect(() => viewIn("control").run(() => viewIn("control").get("prices", "a"))).toThrow(errorOf("ITEM_INVALID"));
    const view = viewIn("control");
    expect(() => view.run(() => view.get("prices", "a"))).toThrow(errorOf("ITEM_INVALID"));
    expect(made.outcomes).toMatchObject([{ arm: "control", failure: "invalid-item" }]);
  });

  test("is refused by a walk over all items, which cannot go back", () => {
    const { refused, viewIn } = broken({ a: good }, { a: bad });
    expect(() => [...viewIn("candidate").entries("prices")]).toThrow(errorOf("ITEM_INVALID"));
    expect(refused).toEqual(["prices a"]);
  });

  test("is there all the same", () => {
    const { refused, viewIn } = broken({ a: good }, { a: bad });
    expect(viewIn("candidate").has("prices", "a")).toBe(true);
    expect(refused).toEqual([]);
  });

  test("moves a view without a targeting key too, at 100 %", () => {
    const { made } = broken({ a: good, b: good }, { a: bad, b: other });
    made.promote();
    const view = made.view();
    expect([view.get("prices", "a"), view.get("prices", "b")]).toEqual([good, good]);
    const late = made.view();
    expect(late.get("prices", "b")).toEqual(good);
  });

  test("of one release says nothing about the next", () => {
    const { made, refused, viewIn } = broken({ a: good }, { a: bad });
    viewIn("candidate").get("prices", "a");
    made.revert();
    made.publish("prices", { a: other });
    made.startRelease(50);
    expect(viewIn("candidate").get("prices", "a")).toEqual(other);
    expect(made.status().datasets.prices.refusal).toBeNull();
    expect(refused).toEqual(["prices a"]);
  });
});
