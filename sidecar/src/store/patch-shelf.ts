import type { DatabaseSync } from "node:sqlite";
import type { LoggedEvent } from "@sluice/core";
import type { PatchMinute } from "@sluice/core/api";
import { minuteOf } from "./line-book.ts";
import { type Row, text } from "./sql-values.ts";
import type { ShelfQuery } from "./worker-messages.ts";

/** The shelf of the log that is not kept for ever, and what stays of it. */
export interface PatchShelf {
  /** Puts an event on the shelf, and a patch into the line of its minute. */
  insert(logged: LoggedEvent, json: string, crc: number): void;
  /** Number of the last event that has gone from the shelf; 0 where none has. */
  through(): number;
  minutes(query: ShelfQuery): readonly PatchMinute[];
}

/** Over the tables `patches` and `patch_minutes`. */
export function createPatchShelf(database: DatabaseSync): PatchShelf {
  const insert = database.prepare(`INSERT INTO patches (sequence, at, upto, crc, json)
    VALUES (?, ?, ? + coalesce((SELECT upto FROM patches ORDER BY sequence DESC LIMIT 1), 0), ?, ?)`);
  const summarise = database.prepare(`INSERT INTO patch_minutes
    (minute, dataset, patches, keys_set, keys_removed,
     first_sequence, last_sequence, first_number, last_number, first_at, last_at)
    VALUES (?1, ?2, 1, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?8)
    ON CONFLICT (minute, dataset) DO UPDATE SET
      patches = patches + 1, keys_set = keys_set + ?3, keys_removed = keys_removed + ?4,
      last_sequence = ?5, last_number = ?7, last_at = ?8`);
  const through = database.prepare("SELECT value FROM meta WHERE name = 'pruned'");
  const columns = "SELECT * FROM patch_minutes";
  const from = database.prepare(`${columns} WHERE first_sequence > ? ORDER BY first_sequence LIMIT ?`);
  const newest = database.prepare(`${columns} ORDER BY first_sequence DESC LIMIT ?`);
  const datasetFrom = database.prepare(
    `${columns} WHERE dataset = ? AND first_sequence > ? ORDER BY first_sequence LIMIT ?`,
  );
  const datasetNewest = database.prepare(`${columns} WHERE dataset = ? ORDER BY first_sequence DESC LIMIT ?`);

  return {
    insert({ sequence, at, event }, json, crc) {
      insert.run(sequence, at, Buffer.byteLength(json), crc, json);
      if (event.type !== "patched") return;
      const { dataset, stable, candidate, delta } = event;
      const last = (candidate ?? stable).number;
      summarise.run(minuteOf(at), dataset, delta.set.length, delta.remove.length, sequence, stable.number, last, at);
    },
    through: () => Number(through.get()?.["value"] ?? 0),
    minutes({ after, dataset, limit }) {
      if (after !== null) {
        const rows = dataset === null ? from.all(after, limit) : datasetFrom.all(dataset, after, limit);
        return rows.map(minuteOfRow);
      }
      const rows = dataset === null ? newest.all(limit) : datasetNewest.all(dataset, limit);
      return rows.map(minuteOfRow).toReversed();
    },
  };
}

function minuteOfRow(row: Row): PatchMinute {
  return {
    dataset: text(row["dataset"]),
    patches: Number(row["patches"]),
    keysSet: Number(row["keys_set"]),
    keysRemoved: Number(row["keys_removed"]),
    firstSequence: Number(row["first_sequence"]),
    lastSequence: Number(row["last_sequence"]),
    firstNumber: Number(row["first_number"]),
    lastNumber: Number(row["last_number"]),
    firstAt: Number(row["first_at"]),
    lastAt: Number(row["last_at"]),
  };
}
