import { hash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVirtualClock, type VirtualClock } from "@sluice/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Claims, createClaims } from "./claims.ts";
import { pass } from "./turns.testing.ts";

const name = hash("sha256", "a blob");
let folder = "";
let clock: VirtualClock;
let one: Claims;
let another: Claims;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "sluice-claims-")), "tmp");
  clock = createVirtualClock();
  one = createClaims(folder, clock);
  another = createClaims(folder, clock);
});
afterEach(() => rmSync(join(folder, ".."), { recursive: true, force: true }));

test("a blob is claimed by one process at a time, and free once that one lets go", async () => {
  const claim = one.take(name);
  expect(another.take(name)).toBe(null);
  claim?.release();
  expect(readdirSync(folder)).toEqual([]);
  const next = another.take(name);
  expect(one.take(name)).toBe(null);
  next?.release();
});

test("a claim whose process lives is held for as long as it takes", async () => {
  const claim = one.take(name);
  for (let looks = 0; looks < 20; looks++) {
    expect(another.take(name)).toBe(null);
    await pass(clock, 1_000);
  }
  claim?.release();
  expect(clock.nextInMs()).toBe(undefined);
});

test("a claim that a killed process has left is taken over at the second look", async () => {
  const killed = createVirtualClock();
  createClaims(folder, killed).take(name);
  expect(another.take(name)).toBe(null);
  await pass(clock, 1_000);
  const claim = another.take(name);
  expect(claim).not.toBe(null);
  expect(one.take(name)).toBe(null);
  claim?.release();
});

test("where the disk takes no claims, everybody fetches for himself", async () => {
  writeFileSync(folder, "a file where the folder should be");
  const claims = [one.take(name), another.take(name)];
  expect(claims.every((claim) => claim !== null)).toBe(true);
  for (const claim of claims) claim?.release();
  expect(clock.nextInMs()).toBe(undefined);
});

test("a process that ends renews nothing more, also what it takes at that moment", async () => {
  const claim = one.take(name);
  one.close();
  expect(clock.nextInMs()).toBe(undefined);
  claim?.release();
  const late = one.take(name);
  expect(clock.nextInMs()).toBe(undefined);
  late?.release();
  expect(readdirSync(folder)).toEqual([]);
});
