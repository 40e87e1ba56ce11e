import type { DatabaseSync } from "node:sqlite";
import type { LineBook, LineContent } from "./line-book.ts";
import { text, wholeOrNull } from "./sql-values.ts";

/** What a log remembers of lines: which there are, and which contents they had that a quarantine can be asked for. */
export interface LineTables {
  readonly book: LineBook;
  putContents(dataset: string, contents: readonly LineContent[]): void;
  /** Publishes, in order. */
  withContent(dataset: string, contentHash: string): readonly number[];
}

/** Over the tables `lines`, `releases`, `contents` and `patch_contents`. */
export function createLineTables(database: DatabaseSync): LineTables {
  const lines = database.prepare("SELECT stable, candidate FROM lines WHERE dataset = ?");
  const setLines = database.prepare("INSERT OR REPLACE INTO lines (dataset, stable, candidate) VALUES (?, ?, ?)");
  const release = database.prepare("SELECT dataset FROM releases WHERE release = ?");
  const setRelease = database.prepare("INSERT INTO releases (release, dataset) VALUES (?, ?)");
  const insert = database.prepare("INSERT OR IGNORE INTO contents (dataset, publish, content_hash) VALUES (?, ?, ?)");
  const insertPatched = database.prepare(
    "INSERT OR IGNORE INTO patch_contents (dataset, publish, content_hash) VALUES (?, ?, ?)",
  );
  // Few lines have patched contents, so that each of them is asked, and no index on a random hash grows with every patch.
  const withContent = database.prepare(`
    WITH RECURSIVE patched (publish) AS (
      SELECT min(publish) FROM patch_contents WHERE dataset = ?1
      UNION ALL
      SELECT (SELECT min(its.publish) FROM patch_contents its WHERE its.dataset = ?1 AND its.publish > patched.publish)
      FROM patched WHERE patched.publish IS NOT NULL
    )
    SELECT publish FROM contents WHERE dataset = ?1 AND content_hash = ?2
    UNION
    SELECT publish FROM patched WHERE publish IS NOT NULL AND EXISTS (
      SELECT 1 FROM patch_contents its
      WHERE its.dataset = ?1 AND its.publish = patched.publish AND its.content_hash = ?2
    )
    ORDER BY publish`);

  return {
    book: {
      lines(dataset) {
        const row = lines.get(dataset);
        return { stable: wholeOrNull(row?.["stable"]), candidate: wholeOrNull(row?.["candidate"]) };
      },
      setLines: (dataset, { stable, candidate }) => void setLines.run(dataset, stable, candidate),
      datasetOfRelease(its) {
        const row = release.get(its);
        return row === undefined ? null : text(row["dataset"]);
      },
      setRelease: (its, dataset) => void setRelease.run(its, dataset),
    },
    putContents(dataset, contents) {
      for (const { publish, contentHash, patched } of contents) {
        (patched ? insertPatched : insert).run(dataset, publish, hashBytes(contentHash));
      }
    },
    withContent: (dataset, contentHash) =>
      withContent.all(dataset, hashBytes(contentHash)).map((row) => Number(row["publish"])),
  };
}

/** Half of what the hexadecimal digits take. */
function hashBytes(contentHash: string): Uint8Array {
  const bytes = Buffer.from(contentHash, "hex");
  if (bytes.length !== 32 || contentHash.length !== 64)
    throw new Error(`a content hash has 64 hex digits: ${contentHash}`);
  return bytes;
}
