import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { corruptKeptMax, corruptKeptMs, temporaryKeptMs, tidyBlobs } from "./blob-litter.ts";

const nowMs = 1_800_000_000_000;
const name = "ab".padEnd(64, "0");

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-litter-"));
  for (const folder of ["ab", "tmp"]) mkdirSync(join(directory, folder));
});

afterEach(() => rmSync(directory, { recursive: true }));

function file(path: string, ageMs: number, bytes = 10): string {
  const at = join(directory, path);
  writeFileSync(at, "x".repeat(bytes));
  utimesSync(at, (nowMs - ageMs) / 1000, (nowMs - ageMs) / 1000);
  return at;
}

test("damaged copies and unfinished files go when they are old, blobs never", async () => {
  const blob = file(`ab/${name}`, 10 * corruptKeptMs, 300);
  const oldCopy = file(`ab/${name}.corrupt`, corruptKeptMs + 1_000);
  const youngCopy = file(`ab/${name.replace("b", "c")}.corrupt`, corruptKeptMs - 1_000);
  const oldDraft = file(`tmp/${name}.1.1`, temporaryKeptMs + 1_000);
  const youngDraft = file(`tmp/${name}.1.2`, temporaryKeptMs - 1_000);
  expect(await tidyBlobs(directory, nowMs)).toEqual({ blobs: 1, bytes: 300 });
  expect([blob, oldCopy, youngCopy, oldDraft, youngDraft].map((path) => existsSync(path))).toEqual([
    true,
    false,
    true,
    false,
    true,
  ]);
});

test("of many young damaged copies the newest are kept", async () => {
  for (let index = 0; index < corruptKeptMax + 5; index++) {
    file(`ab/${String(index).padStart(64, "0")}.corrupt`, index * 1_000);
  }
  await tidyBlobs(directory, nowMs);
  const left = readdirSync(join(directory, "ab"));
  expect(left).toHaveLength(corruptKeptMax);
  expect(left.sort().at(-1)).toBe(`${String(corruptKeptMax - 1).padStart(64, "0")}.corrupt`);
});

test("a directory that is not there is said", async () => {
  await expect(tidyBlobs(join(directory, "none"), nowMs)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
});
