import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { corrupt, FaultError } from "./fault.ts";
import { formatVersion, smallTables, tables } from "./log-tables.ts";

/** Up to this size a log is checked whole at open, in some 30 ms: how long a log is must not be felt by a restart. */
export const wholeCheckBytesMax: number = 16 * 1024 * 1024;

/** The write-ahead log is cut to this size when it begins anew. */
const walBytesMax = 16 * 1024 * 1024;

/** How a log's file is opened. */
export interface LogFileOptions {
  readonly file: string;
  /** `newId`: whatever log is there, made under that id where there is none. `id`: the log that was there before. */
  readonly log: { readonly newId: string } | { readonly id: string };
  /** Up to which size to look for damage everywhere first; of a larger file only the small tables are looked at. Null: nothing. */
  readonly wholeCheckBytesMax: number | null;
  /** Size that the file may grow to, in bytes; null for no limit but the disk. */
  readonly bytesMax: number | null;
}

/** An open log file. */
export interface LogFile {
  readonly database: DatabaseSync;
  readonly logId: string;
  /** What was looked at: everything, or the small tables of a file that is too large for that. */
  readonly checked: "whole" | "part" | "none";
}

/**
 * Opens a log's file, and makes it first where there is none.
 * Throws what `faultOf` understands: CORRUPT for damage, STORE_UNAVAILABLE for a newer format or a file that is locked or gone.
 */
export function openLogFile({ file, log, wholeCheckBytesMax, bytesMax }: LogFileOptions): LogFile {
  if (!existsSync(file)) makeLogFile(file, log);
  const database = new DatabaseSync(file);
  try {
    configure(database, file, bytesMax);
    const logId = readMeta(database, file);
    if ("id" in log && log.id !== logId) {
      throw new FaultError(
        "STORE_UNAVAILABLE",
        `${file} is another log than before; put the one with id ${log.id} back`,
        { file },
      );
    }
    return { database, logId, checked: checkTables(database, file, wholeCheckBytesMax) };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** A log is made under another name and renamed when it is whole, so that an empty file is damage and never a new log. */
function makeLogFile(file: string, log: LogFileOptions["log"]): void {
  // SQLite would replay a left write-ahead log into the new file.
  if (existsSync(`${file}-wal`)) throw damage(file, "the file is gone, its write-ahead log is there");
  if ("id" in log) throw new FaultError("STORE_UNAVAILABLE", `the log ${file} is gone; put it back`, { file });
  const draft = `${file}.new`;
  for (const left of [draft, `${draft}-journal`]) rmSync(left, { force: true });
  const database = new DatabaseSync(draft);
  try {
    // Before the first table, or it takes a rewrite of the whole file.
    database.exec(`PRAGMA auto_vacuum = INCREMENTAL; BEGIN; ${tables}`);
    const insert = database.prepare("INSERT INTO meta (name, value) VALUES (?, ?)");
    insert.run("format", String(formatVersion));
    insert.run("log", log.newId);
    database.exec("COMMIT");
  } finally {
    database.close();
  }
  renameSync(draft, file);
  syncDirectory(dirname(file));
}

/** Makes the names in a directory survive a loss of power. */
export function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function configure(database: DatabaseSync, file: string, bytesMax: number | null): void {
  // An exclusive lock taken before the first read spares the shared-memory file, which on a full disk ends in SIGBUS.
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  const mode = database.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"];
  if (mode !== "wal") {
    throw new FaultError("STORE_UNAVAILABLE", `${file} does not take a write-ahead log (${String(mode)})`, { file });
  }
  // fullfsync: on macOS alone, fsync leaves the bytes in the drive's cache.
  database.exec(`
    PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
    PRAGMA journal_size_limit = ${walBytesMax};
  `);
  if (bytesMax !== null) {
    const pageBytes = Number(database.prepare("PRAGMA page_size").get()?.["page_size"]);
    database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(bytesMax / pageBytes))}`);
  }
}

function readMeta(database: DatabaseSync, file: string): string {
  const known = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").get();
  if (known === undefined) throw damage(file, "it holds no log");
  const select = database.prepare("SELECT value FROM meta WHERE name = ?");
  const format = Number(select.get("format")?.["value"]);
  if (format > formatVersion) {
    throw new FaultError(
      "STORE_UNAVAILABLE",
      `${file} has format ${format}, written by a newer Sluice; this one reads up to ${formatVersion}: start the newer one`,
      { file, format, formatMax: formatVersion },
    );
  }
  const logId = select.get("log")?.["value"];
  if (format >= 1 && format < formatVersion && typeof logId === "string") {
    // Its patches (1), or the plans in its events (2), are of another shape.
    throw new FaultError(
      "STORE_UNAVAILABLE",
      `${file} has format ${format}, whose events this Sluice cannot read; take another directory and publish anew`,
      { file, format, formatMin: formatVersion },
    );
  }
  if (typeof logId !== "string" || format !== formatVersion) throw damage(file, "its format or log id is missing");
  return logId;
}

function checkTables(database: DatabaseSync, file: string, wholeBytesMax: number | null): LogFile["checked"] {
  if (wholeBytesMax === null) return "none";
  const whole = fileBytes(file) + fileBytes(`${file}-wal`) <= wholeBytesMax;
  const checks = whole ? ["PRAGMA quick_check(1)"] : smallTables.map((table) => `PRAGMA quick_check('${table}')`);
  for (const sql of checks) {
    const found = database.prepare(sql).get()?.["quick_check"];
    if (found !== "ok") throw damage(file, String(found));
  }
  return whole ? "whole" : "part";
}

function fileBytes(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function damage(file: string, what: string): FaultError {
  const { code, message, details } = corrupt(file, what);
  return new FaultError(code, message, details);
}
