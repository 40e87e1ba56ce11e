import type { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { FaultError, faultOf } from "./fault.ts";
import type { CheckpointHead } from "./port.ts";
import type { CheckpointPiece } from "./worker-messages.ts";

/** How many checkpoints are kept, so that a damaged newest has an older one behind it. */
const keptMax = 2;

/** The checkpoints of a log. */
export interface CheckpointTable {
  putPiece(piece: CheckpointPiece): void;
  /** Makes the pieces of a checkpoint count, and lets go of all but the newest two. */
  seal(head: CheckpointHead & { readonly pieces: number }): void;
  drop(sequence: number): void;
  /** Lets go of what was written of one that was not sealed. */
  dropPieces(): void;
  /** The newest first. */
  list(): readonly CheckpointHead[];
  /** The text; null where it is not there or not what was written. */
  read(sequence: number): string | null;
}

/** Over the tables `checkpoints` and `checkpoint_pieces`. */
export function createCheckpointTable(database: DatabaseSync, file: string): CheckpointTable {
  const lastWriting = database.prepare("SELECT coalesce(max(writing), 0) AS writing FROM checkpoint_pieces");
  const insertPiece = database.prepare(
    "INSERT INTO checkpoint_pieces (writing, piece, crc, bytes) VALUES (?, ?, ?, ?)",
  );
  const insert = database.prepare(
    "INSERT OR REPLACE INTO checkpoints (sequence, writing, at, pieces, bytes) VALUES (?, ?, ?, ?, ?)",
  );
  const forget = database.prepare(
    "DELETE FROM checkpoints WHERE sequence NOT IN (SELECT sequence FROM checkpoints ORDER BY sequence DESC LIMIT ?)",
  );
  const drop = database.prepare("DELETE FROM checkpoints WHERE sequence = ?");
  // Pieces of one that a crash interrupted are among them.
  const forgetPieces = database.prepare(
    "DELETE FROM checkpoint_pieces WHERE writing NOT IN (SELECT writing FROM checkpoints)",
  );
  const head = database.prepare("SELECT writing, pieces, bytes FROM checkpoints WHERE sequence = ?");
  const heads = database.prepare("SELECT sequence, at, bytes FROM checkpoints ORDER BY sequence DESC LIMIT ?");
  const sum = database.prepare(
    "SELECT count(*) AS pieces, coalesce(sum(length(bytes)), 0) AS bytes FROM checkpoint_pieces WHERE writing = ?",
  );
  const pieces = database.prepare("SELECT piece, crc, bytes FROM checkpoint_pieces WHERE writing = ? ORDER BY piece");
  /** Each writing has a number of its own: one of the same place may stand there, sound or damaged, until this one is sealed. */
  let writing = 0;

  const textOf = (sequence: number): string | null => {
    const known = head.get(sequence);
    if (known === undefined) return null;
    const found: Uint8Array[] = [];
    for (const { piece, crc, bytes } of pieces.iterate(Number(known["writing"]))) {
      if (!(bytes instanceof Uint8Array) || piece !== found.length || crc32(bytes) !== crc) return null;
      found.push(bytes);
    }
    const whole = Buffer.concat(found);
    if (found.length !== known["pieces"] || whole.byteLength !== known["bytes"]) return null;
    return whole.toString("utf8");
  };

  return {
    putPiece({ piece, bytes }) {
      if (piece === 0) writing = Number(lastWriting.get()?.["writing"]) + 1;
      insertPiece.run(writing, piece, crc32(bytes), bytes);
    },
    seal({ sequence, at, pieces: count, bytes }) {
      const written = sum.get(writing);
      if (written?.["pieces"] !== count || written["bytes"] !== bytes) {
        // A conflict is the fault of one write alone: appends beside it are kept.
        throw new FaultError("CONFLICT", `checkpoint ${sequence} was interrupted; write it again`);
      }
      insert.run(sequence, writing, at, count, bytes);
      forget.run(keptMax);
      forgetPieces.run();
    },
    drop(sequence) {
      drop.run(sequence);
      forgetPieces.run();
    },
    dropPieces: () => void forgetPieces.run(),
    list: () =>
      heads.all(keptMax).map((row) => ({
        sequence: Number(row["sequence"]),
        at: Number(row["at"]),
        bytes: Number(row["bytes"]),
      })),
    read(sequence) {
      try {
        return textOf(sequence);
      } catch (error) {
        // A page that cannot be read is this checkpoint's alone until somebody reads it for something else.
        if (faultOf(error, file).code === "CORRUPT") return null;
        throw error;
      }
    },
  };
}
