import type { Receipt } from "@sluice/core/api";
import { expect, test } from "vitest";
import { receiptText } from "./receipt.ts";

test.each([
  [2, "gone on 2 of 2 followers in 380 ms (p99; p50 41 ms)"],
  [0, "nobody followed at the time"],
])("of %d followers of an origin that had just started, the receipt says that others may come", (expected, text) => {
  const receipt: Receipt = {
    action: "revert",
    release: "prices-1",
    sequence: 7,
    durable: true,
    announcedAt: 0,
    expected,
    confirmed: expected,
    p50Ms: 41,
    p99Ms: 380,
    lastMs: 380,
    missing: [],
    away: [],
    awayTotal: 0,
  };
  expect(receiptText(receipt)).toBe(text);
  expect(receiptText({ ...receipt, originAgeMs: 3_000 })).toBe(
    `${text}; the origin had started 3 s before, and others who followed it may still come`,
  );
});
