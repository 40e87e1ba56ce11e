import { expect, test } from "vitest";
import { markReach } from "./mark-reach.ts";

const mark = { release: "prices-v2-x7k2mq", at: 1_000 };
const cause = { reason: "it fails", evidence: null };
const silent = { url: "http://origin", contactAgeMs: 42_000, connected: false };

test("what another one announced before contact was lost may be everywhere", () => {
  const reach = "on host-7 and those who follow it; whether everywhere is not known (no contact for 42 s)";
  for (const by of [
    { kind: "person", name: "anna" },
    { kind: "guard", name: "comparative on host-9" },
  ] as const)
    expect(markReach({ ...mark, by, cause }, { host: "host-7", following: silent })).toBe(reach);
  expect(markReach(mark, { host: "host-7", following: silent })).toBe(reach);
});

test("a host connected to one that is cut off is cut off", () => {
  const following = { ...silent, connected: true };
  expect(markReach(mark, { host: "host-7", following })).not.toBeNull();
  expect(markReach(mark, { host: "host-7", following: { ...following, contactAgeMs: 900 } })).toBeNull();
});
