import { createContentHash, itemHash } from "@sluice/core";
import { expect, test } from "vitest";
import { createOverlayPlan, overlayBytesMax, overlayItemsMax } from "./overlay-plan.ts";

/** How many of these differences lie over a base of so many items; null where a new base is the better choice. */
function overlaid(items: number, differences: number, canonical: string | undefined = "1"): number | null {
  const plan = createOverlayPlan(items);
  for (let index = 0; index < differences; index++) {
    plan.add(`sku-${index}`, index % 2 === 0 ? canonical : undefined, undefined);
  }
  const overlay = plan.finish();
  return overlay === null ? null : overlay.set.length + overlay.remove.length;
}

test("a thousand differences lie over any base, more of them up to a tenth of the items", () => {
  expect(overlaid(10, 1_000)).toBe(1_000);
  expect(overlaid(10, 1_001)).toBeNull();
  expect(overlaid(20_000, 2_000)).toBe(2_000);
  expect(overlaid(20_000, 2_001)).toBeNull();
});

test("no overlay has more than its items or its text", () => {
  expect(overlaid(10_000_000, overlayItemsMax)).toBe(overlayItemsMax);
  expect(overlaid(10_000_000, overlayItemsMax + 1)).toBeNull();
  expect(overlaid(10, 30, "x".repeat(overlayBytesMax / 16))).toBe(30);
  expect(overlaid(10, 40, "x".repeat(overlayBytesMax / 16))).toBeNull();
});

test("an overlay says what it takes the place of", () => {
  const plan = createOverlayPlan(10);
  plan.add("changed", "2", "1");
  plan.add("added", "3", undefined);
  plan.add("removed", undefined, "4");
  const hidden = createContentHash();
  for (const [key, canonical] of [
    ["changed", "1"],
    ["removed", "4"],
  ] as const)
    hidden.add(itemHash(key, canonical));
  expect(plan.finish()).toMatchObject({ bytes: 21, hidden: { items: 2, contentHash: hidden.hex() } });
});
