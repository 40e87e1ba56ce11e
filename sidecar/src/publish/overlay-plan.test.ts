import { createContentHash, emptyContentHash, itemHash } from "@sluice/core";
import { expect, test } from "vitest";
import { createOverlayPlan, overlayBytesMax, overlayItemsMax } from "./overlay-plan.ts";

/** How many of these differences lie over a base of so many items; null where a new base is the better choice. */
function overlaid(versionItems: number, groups: readonly { items: number; textBytes: number }[]): number | null {
  const plan = createOverlayPlan(versionItems);
  for (const group of groups) {
    plan.add({ ...group, bytes: new Uint8Array(1), hidden: { items: 0, contentHash: emptyContentHash } });
  }
  return plan.finish()?.items ?? null;
}

const small = (items: number): { items: number; textBytes: number } => ({ items, textBytes: items });

test("a thousand differences lie over any base, more of them up to a tenth of the items", () => {
  expect(overlaid(10, [small(1_000)])).toBe(1_000);
  expect(overlaid(10, [small(500), small(501)])).toBeNull();
  expect(overlaid(20_000, [small(1_000), small(1_000)])).toBe(2_000);
  expect(overlaid(20_000, [small(1_000), small(1_001)])).toBeNull();
});

test("no overlay has more than its items or its text", () => {
  expect(overlaid(10_000_000, [small(overlayItemsMax)])).toBe(overlayItemsMax);
  expect(overlaid(10_000_000, [small(overlayItemsMax + 1)])).toBeNull();
  expect(overlaid(10, [{ items: 30, textBytes: overlayBytesMax }])).toBe(30);
  expect(overlaid(10, [{ items: 30, textBytes: overlayBytesMax }, small(1)])).toBeNull();
});

test("a group that is too much by itself is too much", () => {
  const plan = createOverlayPlan(10);
  plan.add(null);
  expect(plan.finish()).toBeNull();
});

test("an overlay says what it takes the place of", () => {
  const plan = createOverlayPlan(10);
  const hidden = createContentHash();
  for (const key of ["changed", "removed"]) {
    const item = createContentHash();
    item.add(itemHash(key, "1"));
    hidden.add(itemHash(key, "1"));
    plan.add({ bytes: new Uint8Array(3), items: 1, textBytes: 8, hidden: { items: 1, contentHash: item.hex() } });
  }
  expect(plan.finish()).toMatchObject({ items: 2, textBytes: 16, hidden: { items: 2, contentHash: hidden.hex() } });
});
