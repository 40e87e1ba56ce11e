import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import type { LoggedEvent } from "@sluice/core";
import { corrupt, type Fault, FaultError, faultOf } from "./fault.ts";
import { type LineBook, placeEvent } from "./line-book.ts";
import { type LogFile, type LogFileOptions, openLogFile } from "./log-file.ts";
import { type RememberedAnswer, rememberedMs } from "./port.ts";
import type { ControlQuery, Page, Write } from "./worker-messages.ts";

/** A page of events ends after this many bytes of JSON, so that a read never keeps a commit waiting for long. */
const pageBytesMax = 1024 * 1024;

type Row = Record<string, SQLOutputValue>;

/** The log's file and everything that is asked of it, synchronous: it lives in a worker. Throws what `faultOf` understands. */
export interface LogDatabase extends Pick<LogFile, "logId" | "checked"> {
  /** Commits and syncs all writes together. Answers one fault or null for each; a conflict is the fault of one alone. */
  write(writes: readonly Write[], nowMs: number): readonly (Fault | null)[];
  read(after: number, eventsMax: number): Page;
  readControl(query: ControlQuery): readonly string[];
  linesWithContent(dataset: string, contentHash: string): readonly number[];
  remembered(key: string, nowMs: number): RememberedAnswer | null;
  getDocument(name: string): string | null;
  close(): void;
}

/** Opens the log's file for reading and writing. */
export function openLogDatabase(options: LogFileOptions): LogDatabase {
  const opened = openLogFile(options);
  try {
    return createLogDatabase(opened, options.file);
  } catch (error) {
    opened.database.close();
    throw error;
  }
}

function createLogDatabase({ database, logId, checked }: LogFile, file: string): LogDatabase {
  const sql = prepareStatements(database);
  const book = createBook(sql);

  /** SQLite has no checksum over a row, so that a flipped bit in an event would be served. */
  const proven = (row: Row): string => {
    const json = text(row["json"]);
    if (crc32(json) === row["crc"]) return json;
    throw damage(`event ${Number(row["sequence"])} is not what was written`);
  };
  const damage = (what: string): FaultError => {
    const { code, message, details } = corrupt(file, what);
    return new FaultError(code, message, details);
  };

  const lastSequence = (): number => Number(sql.last.get()?.["last"]);

  const append = ({ expected, events, answers }: Extract<Write, { kind: "append" }>): void => {
    const last = lastSequence();
    if (expected !== last) {
      throw new FaultError("CONFLICT", `event ${expected} is not the last of the log, ${last} is`, { expected, last });
    }
    for (const json of events) {
      // What this program wrote a moment ago, on the other side of the worker.
      const { sequence, event } = JSON.parse(json) as LoggedEvent;
      const { dataset, contents } = placeEvent(book, event);
      if (event.type === "patched") sql.insertPatch.run(sequence, json, crc32(json));
      else sql.insertEvent.run(sequence, dataset, json, crc32(json));
      for (const { publish, contentHash } of contents) sql.insertContent.run(dataset, hashBytes(contentHash), publish);
    }
    for (const { key, fingerprint, answer, at } of answers) sql.putAnswer.run(key, fingerprint, answer, at);
  };

  const apply = (write: Write): void => {
    if (write.kind === "append") append(write);
    else if (write.kind === "put-document") sql.putDocument.run(write.name, write.json);
    else sql.deleteDocument.run(write.name);
  };

  /** Applies one write of a transaction; what is wrong with the write alone does not touch the others. */
  const applyAlone = (write: Write): Fault | null => {
    sql.beginWrite.run();
    try {
      apply(write);
      sql.endWrite.run();
      return null;
    } catch (error) {
      const fault = faultOf(error, file);
      const itsOwn = fault.code === "CONFLICT" || fault.code === "INTERNAL";
      // A disk that is full or failing has often ended the whole transaction already.
      if (!itsOwn || !database.isTransaction) throw error;
      sql.undoWrite.run();
      sql.endWrite.run();
      return fault;
    }
  };

  const commit = (writes: readonly Write[], nowMs: number): readonly (Fault | null)[] => {
    sql.begin.run();
    const faults = writes.map(applyAlone);
    if (writes.some((write) => write.kind === "append" && write.answers.length > 0)) {
      sql.forgetAnswers.run(nowMs - rememberedMs);
    }
    sql.commit.run();
    return faults;
  };

  const write: LogDatabase["write"] = (writes, nowMs) => {
    try {
      return commit(writes, nowMs);
    } catch (error) {
      if (database.isTransaction) sql.rollback.run();
      const fault = faultOf(error, file);
      // Where a large patch has no room, a revert beside it may have.
      if (fault.code === "DISK_FULL" && writes.length > 1) return writes.flatMap((each) => write([each], nowMs));
      return writes.map(() => fault);
    }
  };

  return {
    logId,
    checked,
    write,
    read(after, eventsMax) {
      const events: string[] = [];
      let bytes = 0;
      for (const row of sql.read.iterate(after, eventsMax)) {
        const due = after + events.length + 1;
        if (row["sequence"] !== due) throw damage(`event ${due} is missing`);
        const json = proven(row);
        events.push(json);
        bytes += Buffer.byteLength(json);
        if (bytes >= pageBytesMax) return { events, end: false };
      }
      return { events, end: events.length < eventsMax };
    },
    readControl({ after, dataset, limit }) {
      if (after !== null) {
        const rows = dataset === null ? sql.controlFrom.all(after, limit) : sql.datasetFrom.all(dataset, after, limit);
        return rows.map(proven);
      }
      const rows = dataset === null ? sql.controlNewest.all(limit) : sql.datasetNewest.all(dataset, limit);
      return rows.map(proven).toReversed();
    },
    linesWithContent: (dataset, contentHash) =>
      sql.contents.all(dataset, hashBytes(contentHash)).map((row) => Number(row["publish"])),
    remembered(key, nowMs) {
      const row = sql.answer.get(key, nowMs - rememberedMs);
      if (row === undefined) return null;
      return {
        key,
        fingerprint: text(row["fingerprint"]),
        answer: text(row["answer"]),
        at: Number(row["at"]),
      };
    },
    getDocument(name) {
      const row = sql.document.get(name);
      return row === undefined ? null : text(row["json"]);
    },
    close: () => database.close(),
  };
}

function prepareStatements(database: DatabaseSync) {
  const prepare = (sql: string): StatementSync => database.prepare(sql);
  return {
    begin: prepare("BEGIN IMMEDIATE"),
    commit: prepare("COMMIT"),
    rollback: prepare("ROLLBACK"),
    beginWrite: prepare("SAVEPOINT one_write"),
    endWrite: prepare("RELEASE one_write"),
    undoWrite: prepare("ROLLBACK TO one_write"),
    last: prepare(`SELECT max(coalesce((SELECT max(sequence) FROM events), 0),
                              coalesce((SELECT max(sequence) FROM patches), 0)) AS last`),
    insertEvent: prepare("INSERT INTO events (sequence, dataset, json, crc) VALUES (?, ?, ?, ?)"),
    insertPatch: prepare("INSERT INTO patches (sequence, json, crc) VALUES (?, ?, ?)"),
    insertContent: prepare("INSERT OR IGNORE INTO contents (dataset, content_hash, publish) VALUES (?, ?, ?)"),
    contents: prepare("SELECT publish FROM contents WHERE dataset = ? AND content_hash = ? ORDER BY publish"),
    read: prepare(`SELECT sequence, json, crc FROM events WHERE sequence > ?1
                   UNION ALL SELECT sequence, json, crc FROM patches WHERE sequence > ?1 ORDER BY sequence LIMIT ?2`),
    controlFrom: prepare("SELECT sequence, json, crc FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?"),
    controlNewest: prepare("SELECT sequence, json, crc FROM events ORDER BY sequence DESC LIMIT ?"),
    datasetFrom: prepare(
      "SELECT sequence, json, crc FROM events WHERE dataset = ? AND sequence > ? ORDER BY sequence LIMIT ?",
    ),
    datasetNewest: prepare("SELECT sequence, json, crc FROM events WHERE dataset = ? ORDER BY sequence DESC LIMIT ?"),
    lines: prepare("SELECT stable, candidate FROM lines WHERE dataset = ?"),
    setLines: prepare("INSERT OR REPLACE INTO lines (dataset, stable, candidate) VALUES (?, ?, ?)"),
    release: prepare("SELECT dataset FROM releases WHERE release = ?"),
    setRelease: prepare("INSERT INTO releases (release, dataset) VALUES (?, ?)"),
    putAnswer: prepare("INSERT OR REPLACE INTO answers (key, fingerprint, answer, at) VALUES (?, ?, ?, ?)"),
    answer: prepare("SELECT key, fingerprint, answer, at FROM answers WHERE key = ? AND at > ?"),
    forgetAnswers: prepare("DELETE FROM answers WHERE at <= ?"),
    document: prepare("SELECT json FROM documents WHERE name = ?"),
    putDocument: prepare("INSERT OR REPLACE INTO documents (name, json) VALUES (?, ?)"),
    deleteDocument: prepare("DELETE FROM documents WHERE name = ?"),
  };
}

type Statements = ReturnType<typeof prepareStatements>;

function createBook(sql: Pick<Statements, "lines" | "setLines" | "release" | "setRelease">): LineBook {
  return {
    lines(dataset) {
      const row = sql.lines.get(dataset);
      return { stable: wholeOrNull(row?.["stable"]), candidate: wholeOrNull(row?.["candidate"]) };
    },
    setLines: (dataset, { stable, candidate }) => void sql.setLines.run(dataset, stable, candidate),
    datasetOfRelease(release) {
      const row = sql.release.get(release);
      return row === undefined ? null : text(row["dataset"]);
    },
    setRelease: (release, dataset) => void sql.setRelease.run(release, dataset),
  };
}

/** Half of what the hexadecimal digits take, in the one table that grows with every patch besides the patches. */
function hashBytes(contentHash: string): Uint8Array {
  const bytes = Buffer.from(contentHash, "hex");
  if (bytes.length !== 32 || contentHash.length !== 64)
    throw new Error(`a content hash has 64 hex digits: ${contentHash}`);
  return bytes;
}

function text(value: SQLOutputValue | undefined): string {
  if (typeof value !== "string") throw new Error(`a text was expected, not ${typeof value}`);
  return value;
}

function wholeOrNull(value: SQLOutputValue | undefined): number | null {
  return typeof value === "number" ? value : null;
}
