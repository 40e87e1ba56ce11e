import type { DatabaseSync } from "node:sqlite";
import type { LoggedEvent } from "@sluice/core";
import type { PlacesQuery } from "./worker-messages.ts";
import type { Row } from "./sql-values.ts";

/**
 * Where the events of each dataset stand on the shelf of patches: whoever goes back in one dataset reads nothing of the others.
 * A row is added at the end of its dataset's rows, so that it costs an append next to nothing.
 */
export const placesTable = `
  CREATE TABLE patch_places (
    dataset TEXT NOT NULL, rebased INTEGER NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (dataset, rebased, sequence)
  ) STRICT, WITHOUT ROWID;
`;

/** Events of a dataset on the shelf of patches. */
export interface PatchPlaces {
  insert(logged: LoggedEvent): void;
  /** Rows of `patches`, oldest first. */
  rows(query: PlacesQuery): readonly Row[];
  /** Whether a patch of the dataset that came after `after` has gone, as far as minutes tell. */
  hasGone(dataset: string, after: number, through: number): boolean;
  /** Forgets what has gone from the shelf. */
  forget(through: number): void;
}

/** Over the tables `patch_places`, `patches` and `patch_minutes`. */
export function createPatchPlaces(database: DatabaseSync): PatchPlaces {
  const insert = database.prepare("INSERT INTO patch_places (dataset, rebased, sequence) VALUES (?, ?, ?)");
  const select = database.prepare(`SELECT its.sequence, its.json, its.crc FROM patch_places place
    JOIN patches its ON its.sequence = place.sequence
    WHERE place.dataset = ? AND place.rebased = ? AND place.sequence > ? ORDER BY place.sequence LIMIT ?`);
  const gone = database.prepare(`SELECT 1 FROM patch_minutes
    WHERE first_sequence <= ? AND last_sequence > ? AND dataset = ? ORDER BY first_sequence DESC LIMIT 1`);
  const datasets = database.prepare(`
    WITH RECURSIVE its (dataset) AS (
      SELECT min(dataset) FROM patch_places
      UNION ALL
      SELECT (SELECT min(place.dataset) FROM patch_places place WHERE place.dataset > its.dataset)
      FROM its WHERE its.dataset IS NOT NULL
    )
    SELECT dataset FROM its WHERE dataset IS NOT NULL`);
  const forget = database.prepare("DELETE FROM patch_places WHERE dataset = ? AND rebased = ? AND sequence <= ?");

  return {
    insert({ sequence, event }) {
      if (event.type === "patched" || event.type === "rebased") {
        insert.run(event.dataset, event.type === "rebased" ? 1 : 0, sequence);
      }
    },
    rows: ({ dataset, rebased, after, limit }) => select.all(dataset, rebased ? 1 : 0, after, limit),
    hasGone: (dataset, after, through) => gone.get(through, after, dataset) !== undefined,
    forget(through) {
      for (const row of datasets.all())
        for (const rebased of [0, 1]) forget.run(row["dataset"] ?? null, rebased, through);
    },
  };
}
