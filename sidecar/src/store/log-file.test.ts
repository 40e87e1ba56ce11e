import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type LogFile, openLogFile, wholeCheckBytesMax } from "./log-file.ts";

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-log-"));
  file = join(directory, "log.sqlite");
});

afterEach(() => rmSync(directory, { recursive: true }));

function open(wholeBytesMax: number | null = wholeCheckBytesMax): LogFile {
  return openLogFile({ file, log: { newId: "log-1" }, wholeCheckBytesMax: wholeBytesMax, bytesMax: null });
}

test("a commit is synced before it returns", () => {
  const { database } = open();
  const pragma = (name: string): unknown => database.prepare(`PRAGMA ${name}`).get()?.[name];
  expect(pragma("synchronous")).toBe(2);
  expect(pragma("fullfsync")).toBe(1);
  expect(pragma("journal_mode")).toBe("wal");
  expect(pragma("locking_mode")).toBe("exclusive");
  database.close();
});

test("a log keeps the id that it was made with, and is not taken for another", () => {
  open().database.close();
  const again = openLogFile({ file, log: { newId: "log-2" }, wholeCheckBytesMax, bytesMax: null });
  expect(again.logId).toBe("log-1");
  again.database.close();
  expect(() => openLogFile({ file, log: { id: "log-2" }, wholeCheckBytesMax, bytesMax: null })).toThrow("another log");
});

test("of a log too large to be checked whole the small tables are, and damage elsewhere waits for its reader", () => {
  open().database.close();
  damage("patches");
  expect(() => open()).toThrow("corrupt");
  const { database, checked } = open(0);
  expect(checked).toBe("part");
  expect(() => database.prepare("SELECT json FROM patches").all()).toThrow("malformed");
  database.close();
  damage("documents");
  expect(() => open(0)).toThrow("corrupt");
  const unchecked = open(null);
  expect(unchecked.checked).toBe("none");
  unchecked.database.close();
});

/** Fills the first page of a table with noise. */
function damage(table: string): void {
  const database = new DatabaseSync(file);
  const page = Number(database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").get(table)?.["rootpage"]);
  database.close();
  writeFileSync(file, readFileSync(file).fill(0xa5, (page - 1) * 4096, page * 4096));
}
