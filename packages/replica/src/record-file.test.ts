import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRecordFile, removeTemporaries } from "./record-file.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-record-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const text = '{"price":"12,00 €","名":"羽绒服"}';

test("what is written is read, and nothing before that", async () => {
  const file = createRecordFile(join(directory, "deep", "position"), "one");
  expect(await file.read()).toBe(null);
  await file.write(text);
  expect(await file.read()).toBe(text);
  await file.write("");
  expect(await file.read()).toBe("");
  await file.remove();
  expect(await file.read()).toBe(null);
});

test("a record torn at any byte is refused", async () => {
  const path = join(directory, "position");
  const file = createRecordFile(path, "one");
  await file.write(text);
  const whole = readFileSync(path);
  for (let length = 0; length < whole.byteLength; length++) {
    writeFileSync(path, whole.subarray(0, length));
    await expect(file.read(), `torn at byte ${length}`).rejects.toMatchObject({ code: "CORRUPT" });
  }
});

test("a record with a bit of any of its bytes flipped is refused", async () => {
  const path = join(directory, "position");
  const file = createRecordFile(path, "one");
  await file.write(text);
  const whole = readFileSync(path);
  for (let byte = 0; byte < whole.byteLength; byte++) {
    const flipped = Buffer.from(whole);
    flipped[byte] = (flipped[byte] ?? 0) ^ (1 << (byte & 7));
    writeFileSync(path, flipped);
    await expect(file.read(), `flipped in byte ${byte}`).rejects.toMatchObject({ code: "CORRUPT" });
  }
});

test("a record with something behind it is refused", async () => {
  const path = join(directory, "position");
  const file = createRecordFile(path, "one");
  await file.write(text);
  writeFileSync(path, `${readFileSync(path, "utf8")}\n`);
  await expect(file.read()).rejects.toMatchObject({ code: "CORRUPT" });
});

test("what a killed writer left is never read, and goes once it is old", async () => {
  const path = join(directory, "position");
  const file = createRecordFile(path, "one");
  await file.write(text);
  writeFileSync(`${path}.another.tmp`, "half");
  utimesSync(`${path}.another.tmp`, 100, 100);
  expect(await file.read()).toBe(text);
  await removeTemporaries(directory, 100_000);
  expect(readdirSync(directory)).toEqual(["position", "position.another.tmp"]);
  await removeTemporaries(directory, 100_001);
  expect(readdirSync(directory)).toEqual(["position"]);
});

test("a stamp changes with every write, whoever writes", async () => {
  const file = createRecordFile(join(directory, "position"), "one");
  expect(file.stamp()).toBe(null);
  await file.write(text);
  const first = file.stamp();
  expect(file.stamp()).toBe(first);
  await createRecordFile(join(directory, "position"), "another").write(text);
  expect(file.stamp()).not.toBe(first);
});

test("writes at one time follow each other, the last one stays", async () => {
  const file = createRecordFile(join(directory, "position"), "one");
  await Promise.all(["one", "two", "three"].map((each) => file.write(each)));
  expect(await file.read()).toBe("three");
});

test("a directory that cannot be written to is said so, and the next write is free of it", async () => {
  const blocker = join(directory, "blocker");
  writeFileSync(blocker, "");
  const file = createRecordFile(join(blocker, "position"), "one");
  await expect(file.write(text)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  rmSync(blocker);
  await file.write(text);
  expect(await file.read()).toBe(text);
});
