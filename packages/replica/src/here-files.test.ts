import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HereReverts } from "@sluice/core/api";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createHereFiles } from "./here-files.ts";
import { createRecordFile } from "./record-file.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-here-files-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const said = (version: number, host = "host-7"): HereReverts => ({ host, version, reverts: [] });

test("everybody reads what everybody has written", async () => {
  const [one, another] = [createHereFiles(directory, "one"), createHereFiles(directory, "another")];
  expect([await one.read(), one.any()]).toEqual([[], false]);
  await one.write([said(1)]);
  await another.write([said(2, "host-8")]);
  await one.write([said(3)]);
  const read = await createHereFiles(directory, "third").read();
  expect(read.toSorted((a, b) => a.version - b.version)).toEqual([said(2, "host-8"), said(3)]);
  expect(readdirSync(directory)).toHaveLength(2);
});

test("a file goes once every position says as much, and not before", async () => {
  const files = createHereFiles(directory, "one");
  await files.write([said(3)]);
  await files.passed([{ here: [said(3)] }, { here: [said(2)] }]);
  await files.passed([{ here: [said(4, "host-8")] }]);
  // One of a build that did not know of it says nothing.
  await files.passed([{}]);
  expect(files.any()).toBe(true);
  await files.passed([{ here: [said(3)] }, { here: [said(4)] }]);
  expect(files.any()).toBe(false);
});

test.each([
  ["no JSON", "{"],
  ["no list", "7"],
  ["a host without a version", '[{"host":"a","reverts":[]}]'],
  ["a revert of nothing", '[{"host":"a","version":1,"reverts":[{"at":1,"by":{"name":"a"},"reason":""}]}]'],
])("%s is damage", async (_what, text) => {
  await createRecordFile(join(directory, "here.one.1"), "one").write(text);
  await expect(createHereFiles(directory, "two").read()).rejects.toMatchObject({ code: "CORRUPT" });
});

test("a file that is damaged is said, and goes after five rounds without it", async () => {
  writeFileSync(join(directory, "here.one.1"), "damaged");
  const files = createHereFiles(directory, "two");
  await expect(files.read()).rejects.toMatchObject({ code: "CORRUPT" });
  for (let round = 0; round < 5; round++) await files.passed([{}]);
  expect(files.any()).toBe(true);
  await files.passed([{}]);
  expect(files.any()).toBe(false);
});
