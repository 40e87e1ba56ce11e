import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import type { LoggedEvent } from "@sluice/core";
import type { PatchMinute } from "@sluice/core/api";
import { createAnswerTables } from "./answer-tables.ts";
import { createCheckpointTable } from "./checkpoint-table.ts";
import { corrupt, type Fault, FaultError, faultOf } from "./fault.ts";
import { isPatchRow, placeEvent } from "./line-book.ts";
import { createLineTables } from "./line-tables.ts";
import { type LogFile, type LogFileOptions, openLogFile } from "./log-file.ts";
import { createLogPruning } from "./log-pruning.ts";
import { createPatchPlaces } from "./patch-places.ts";
import { createPatchShelf } from "./patch-shelf.ts";
import type { CheckpointHead, LogSize, Pruned, Pruning, RememberedAnswer } from "./port.ts";
import { type Row, text } from "./sql-values.ts";
import type { ControlQuery, Page, PlacesQuery, ShelfQuery, Write } from "./worker-messages.ts";

/** A page of events ends after this many bytes of JSON, so that a read never keeps a commit waiting for long. */
const pageBytesMax = 1024 * 1024;

/** The log's file and everything that is asked of it, synchronous: it lives in a worker. Throws what `faultOf` understands. */
export interface LogDatabase extends Pick<LogFile, "logId" | "checked"> {
  /** Commits and syncs all writes together. Answers one fault or null for each; a conflict is the fault of one alone. */
  write(writes: readonly Write[], nowMs: number): readonly (Fault | null)[];
  read(after: number, eventsMax: number): Page;
  readControl(query: ControlQuery): readonly string[];
  readPlaces(query: PlacesQuery): readonly string[];
  readPatchMinutes(query: ShelfQuery): readonly PatchMinute[];
  checkpoints(): readonly CheckpointHead[];
  readCheckpoint(sequence: number): string | null;
  prune(pruning: Pruning, nowMs: number): Pruned;
  measure(): LogSize;
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
  const lines = createLineTables(database);
  const answerTables = createAnswerTables(database);
  const patches = createPatchShelf(database);
  const places = createPatchPlaces(database);
  const checkpoints = createCheckpointTable(database, file);
  const pruning = createLogPruning(database);

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

  const refusePruned = (after: number, dataset: string | null = null): void => {
    const through = patches.through();
    if (after >= through || (dataset !== null && !places.hasGone(dataset, after, through))) return;
    const message = `patches up to event ${through} were let go of; what came of them is in the checkpoints`;
    throw new FaultError("PRUNED", message, { after, through });
  };

  const lastSequence = (): number => Number(sql.last.get()?.["last"]);

  const append = ({ expected, events, answers }: Extract<Write, { kind: "append" }>): void => {
    const last = lastSequence();
    if (expected !== last) {
      throw new FaultError("CONFLICT", `event ${expected} is not the last of the log, ${last} is`, { expected, last });
    }
    let onlyPatches = true;
    for (const json of events) {
      // What this program wrote a moment ago, on the other side of the worker.
      const logged = JSON.parse(json) as LoggedEvent;
      const { dataset, contents } = placeEvent(lines.book, logged.event);
      if (isPatchRow(logged.event)) {
        patches.insert(logged, json, crc32(json));
        places.insert(logged);
      } else {
        onlyPatches = false;
        sql.insertEvent.run(logged.sequence, dataset, json, crc32(json));
      }
      if (dataset !== null) lines.putContents(dataset, contents);
    }
    answerTables.put(answers, onlyPatches);
  };

  const apply = (write: Write): void => {
    switch (write.kind) {
      case "append":
        append(write);
        return;
      case "put-contents": {
        const { dataset, publish, contentHashes } = write;
        lines.putContents(
          dataset,
          contentHashes.map((contentHash) => ({ publish, contentHash, patched: true })),
        );
        return;
      }
      case "put-document":
        sql.putDocument.run(write.name, write.json);
        return;
      case "delete-document":
        sql.deleteDocument.run(write.name);
        return;
      case "checkpoint-piece":
        checkpoints.putPiece(write);
        return;
      case "drop-checkpoint":
        checkpoints.drop(write.sequence);
        return;
      case "drop-pieces":
        checkpoints.dropPieces();
        return;
      case "seal-checkpoint":
        // What a checkpoint covers may be let go of: one of events that are not here would be the end of them.
        if (write.sequence > lastSequence()) throw new Error(`checkpoint ${write.sequence} is ahead of its log`);
        checkpoints.seal(write);
        return;
      default:
        throw new Error(`a write that this log does not know: ${JSON.stringify(write satisfies never)}`);
    }
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
      answerTables.forget(nowMs);
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
      refusePruned(after);
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
    readControl({ after, before, dataset, limit }) {
      if (after !== null) {
        const rows = dataset === null ? sql.controlFrom.all(after, limit) : sql.datasetFrom.all(dataset, after, limit);
        return rows.map(proven);
      }
      const end = before ?? Number.MAX_SAFE_INTEGER;
      const rows = dataset === null ? sql.controlNewest.all(end, limit) : sql.datasetNewest.all(dataset, end, limit);
      return rows.map(proven).toReversed();
    },
    readPlaces(query) {
      if (!query.rebased) refusePruned(query.after, query.dataset);
      return places.rows(query).map(proven);
    },
    readPatchMinutes: (query) => patches.minutes(query),
    checkpoints: () => checkpoints.list(),
    readCheckpoint: (sequence) => checkpoints.read(sequence),
    prune: (its, nowMs) => pruning.step(its, nowMs),
    measure: () => ({
      bytes: [file, `${file}-wal`].reduce(
        (sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0),
        0,
      ),
      patchesBytes: Number(sql.patchesBytes.get()?.["bytes"]),
    }),
    linesWithContent: (dataset, contentHash) => lines.withContent(dataset, contentHash),
    remembered: (key, nowMs) => answerTables.get(key, nowMs),
    getDocument(name) {
      const row = sql.document.get(name);
      return row === undefined ? null : text(row["json"]);
    },
    close: () => database.close(),
  };
}

function prepareStatements(database: DatabaseSync) {
  const prepare = (sql: string): ReturnType<DatabaseSync["prepare"]> => database.prepare(sql);
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
    patchesBytes: prepare(`SELECT coalesce((SELECT upto FROM patches ORDER BY sequence DESC LIMIT 1), 0)
      - coalesce((SELECT upto - length(CAST(json AS BLOB)) FROM patches ORDER BY sequence LIMIT 1), 0) AS bytes`),
    read: prepare(`SELECT sequence, json, crc FROM events WHERE sequence > ?1
                   UNION ALL SELECT sequence, json, crc FROM patches WHERE sequence > ?1 ORDER BY sequence LIMIT ?2`),
    controlFrom: prepare("SELECT sequence, json, crc FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?"),
    controlNewest: prepare("SELECT sequence, json, crc FROM events WHERE sequence < ? ORDER BY sequence DESC LIMIT ?"),
    datasetFrom: prepare(
      "SELECT sequence, json, crc FROM events WHERE dataset = ? AND sequence > ? ORDER BY sequence LIMIT ?",
    ),
    datasetNewest: prepare(
      "SELECT sequence, json, crc FROM events WHERE dataset = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?",
    ),
    document: prepare("SELECT json FROM documents WHERE name = ?"),
    putDocument: prepare("INSERT OR REPLACE INTO documents (name, json) VALUES (?, ?)"),
    deleteDocument: prepare("DELETE FROM documents WHERE name = ?"),
  };
}
