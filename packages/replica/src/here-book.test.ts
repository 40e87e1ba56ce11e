import { createVirtualClock, SluiceError } from "@sluice/core";
import type { HereReverts } from "@sluice/core/api";
import { expect, test } from "vitest";
import { createHereBook } from "./here-book.ts";
import { endOf } from "./local.testing.ts";
import { createTestLog } from "./log.testing.ts";

function said(host: string, version: number, ...releases: readonly string[]): HereReverts {
  const by = { kind: "person", name: "anna" } as const;
  return { host, version, reverts: releases.map((release) => ({ release, at: 1, by, reason: "here" })) };
}

test("of each host the highest version counts, in whatever order they come", () => {
  const book = createHereBook(null);
  expect(book.merge([said("host-7", 2), said("host-8", 5, "r1")])).toBe(true);
  expect(book.merge([said("host-7", 1, "r1"), said("host-8", 5, "r2")])).toBe(false);
  expect(book.hosts()).toEqual([said("host-7", 2), said("host-8", 5, "r1")]);
});

test("what a host has taken back is in force while its release is active", async () => {
  const log = createTestLog({ clock: createVirtualClock() });
  log.create("prices");
  await log.publish("prices", new Map([["a", 1]]), true);
  await log.publish("prices", new Map([["a", 2]]), false);
  log.release("prices", "r1");
  const book = createHereBook(null);
  book.merge([said("host-7", 1, "r1", "r0")]);
  expect([...book.inForce(log.state())]).toEqual(["r1"]);
  log.append(endOf("release-completed", "r1"));
  expect(book.inForce(log.state()).size).toBe(0);
});

test("those that spoke last are kept where there are too many", () => {
  const book = createHereBook(null);
  book.merge(Array.from({ length: 101 }, (_, index) => said(`host-${index}`, index + 1)));
  expect(book.hosts()).toHaveLength(100);
  expect(book.hosts().some(({ host }) => host === "host-0")).toBe(false);
});

test("a disk that fails is tried again by the next sync, and one that has it is left alone", async () => {
  const written: (readonly HereReverts[])[] = [];
  let fails = true;
  const book = createHereBook({
    read: async () => [],
    async write(hosts) {
      if (fails) throw new SluiceError("DISK_FULL", "no room");
      written.push(hosts);
    },
  });
  book.merge([said("host-7", 1, "r1")]);
  await expect(book.sync()).rejects.toMatchObject({ code: "DISK_FULL" });
  fails = false;
  await book.sync();
  await book.sync();
  expect(written).toEqual([[said("host-7", 1, "r1")]]);
});
