import { placesTable } from "./patch-places.ts";

/** Version of the tables below and of the events in them; a log of a newer one is refused. */
export const formatVersion = 3;

/** Tables that are looked at for damage whatever the size of the log is. */
export const smallTables: readonly string[] = ["meta", "lines", "releases", "answers", "documents", "checkpoints"];

/**
 * Events and patches are two shelves with one order: a sequence number stands on one of them only. What is large stands last in
 * a row, so that what stands before it is read without it.
 * `patches.upto` is the running total of bytes on that shelf, this patch included: what it holds is a difference of two rows.
 */
export const tables: string = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE events (sequence INTEGER PRIMARY KEY, dataset TEXT, json TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;
  CREATE INDEX events_of_dataset ON events (dataset, sequence);
  CREATE TABLE patches (
    sequence INTEGER PRIMARY KEY, at REAL NOT NULL, upto INTEGER NOT NULL, crc INTEGER NOT NULL, json TEXT NOT NULL
  ) STRICT;
  CREATE TABLE patch_minutes (
    minute INTEGER NOT NULL, dataset TEXT NOT NULL,
    patches INTEGER NOT NULL, keys_set INTEGER NOT NULL, keys_removed INTEGER NOT NULL,
    first_sequence INTEGER NOT NULL, last_sequence INTEGER NOT NULL,
    first_number INTEGER NOT NULL, last_number INTEGER NOT NULL,
    first_at REAL NOT NULL, last_at REAL NOT NULL,
    PRIMARY KEY (minute, dataset)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX patch_minutes_in_order ON patch_minutes (first_sequence);
  CREATE TABLE lines (dataset TEXT PRIMARY KEY, stable INTEGER, candidate INTEGER) STRICT, WITHOUT ROWID;
  CREATE TABLE releases (release TEXT PRIMARY KEY, dataset TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE contents (
    dataset TEXT NOT NULL, content_hash BLOB NOT NULL, publish INTEGER NOT NULL,
    PRIMARY KEY (dataset, content_hash, publish)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE patch_contents (
    dataset TEXT NOT NULL, publish INTEGER NOT NULL, content_hash BLOB NOT NULL,
    PRIMARY KEY (dataset, publish, content_hash)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE answers (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, answer TEXT NOT NULL, at REAL NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX answers_by_age ON answers (at);
  CREATE TABLE patch_answers (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, fingerprint TEXT NOT NULL, answer TEXT NOT NULL, at REAL NOT NULL
  ) STRICT;
  CREATE TABLE documents (name TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE checkpoints (
    sequence INTEGER PRIMARY KEY, writing INTEGER NOT NULL, at REAL NOT NULL, pieces INTEGER NOT NULL, bytes INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE checkpoint_pieces (
    id INTEGER PRIMARY KEY, writing INTEGER NOT NULL, piece INTEGER NOT NULL, crc INTEGER NOT NULL, bytes BLOB NOT NULL,
    UNIQUE (writing, piece)
  ) STRICT;
  ${placesTable}
`;
