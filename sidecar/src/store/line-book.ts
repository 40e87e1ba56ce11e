import type { Event } from "@sluice/core";

/** Publishes that began a dataset's two lines. */
export interface Lines {
  readonly stable: number | null;
  readonly candidate: number | null;
}

/** The little that a log remembers in order to say which line an event moved: kept in the same transaction as the event. */
export interface LineBook {
  /** Both null where nothing was published. */
  lines(dataset: string): Lines;
  setLines(dataset: string, lines: Lines): void;
  datasetOfRelease(release: string): string | null;
  setRelease(release: string, dataset: string): void;
}

/** A line that had a content which a revert can put into quarantine. */
export interface LineContent {
  readonly publish: number;
  readonly contentHash: string;
  /** Whether it came of a patch: such contents are forgotten when the line has left without a mark. */
  readonly patched: boolean;
}

/** Where an event belongs. */
export interface Place {
  /** The dataset that it concerns; null for an alert that concerns none. */
  readonly dataset: string | null;
  /** Contents that lines of that dataset have from this event on: of each publish, and of each patch of a candidate. */
  readonly contents: readonly LineContent[];
}

/**
 * Enters the next event in the book and says where it belongs. Events name neither the line that a patch moved nor the dataset
 * of a release, and the log is asked for both. Throws on an event that `decide` cannot have made.
 */
export function placeEvent(book: LineBook, event: Event): Place {
  switch (event.type) {
    case "version-published": {
      const lines = book.lines(event.dataset);
      const { dataset, number, live } = event;
      book.setLines(dataset, live ? { ...lines, stable: number } : { ...lines, candidate: number });
      return { dataset, contents: [{ publish: number, contentHash: event.content.contentHash, patched: false }] };
    }
    case "version-restored": {
      const { dataset, number, content } = event;
      book.setLines(dataset, { stable: number, candidate: null });
      return { dataset, contents: [{ publish: number, contentHash: content.contentHash, patched: false }] };
    }
    case "patched": {
      const { stable, candidate } = book.lines(event.dataset);
      present(stable, event);
      if (event.candidate === null) return { dataset: event.dataset, contents: [] };
      const { contentHash } = event.candidate;
      return {
        dataset: event.dataset,
        contents: [{ publish: present(candidate, event), contentHash, patched: true }],
      };
    }
    case "release-started":
      book.setRelease(event.release, event.dataset);
      return { dataset: event.dataset, contents: [] };
    case "release-completed": {
      const dataset = present(book.datasetOfRelease(event.release), event);
      book.setLines(dataset, { stable: book.lines(dataset).candidate, candidate: null });
      return { dataset, contents: [] };
    }
    case "release-reverted":
    case "release-superseded": {
      const dataset = present(book.datasetOfRelease(event.release), event);
      book.setLines(dataset, { ...book.lines(dataset), candidate: null });
      return { dataset, contents: [] };
    }
    case "percentage-set":
    case "release-held":
    case "release-resumed":
    case "release-promoted":
    case "guard-off":
    case "guard-on":
      return { dataset: present(book.datasetOfRelease(event.release), event), contents: [] };
    case "alert-received":
      return { dataset: event.release === null ? null : book.datasetOfRelease(event.release), contents: [] };
    case "dataset-created":
    case "source-added":
    case "source-removed":
    case "publish-refused":
    case "quarantine-lifted":
    case "rebased":
      return { dataset: event.dataset, contents: [] };
    default:
      // No import of core's `unreachable`: the worker loads this file and nothing of another package.
      throw new Error(`an event that this log does not know: ${JSON.stringify(event satisfies never)}`);
  }
}

function present<T>(value: T | null, event: Event): T {
  if (value === null) throw new Error(`an event without what it moves: ${JSON.stringify(event).slice(0, 200)}`);
  return value;
}

/** Whether an event stands on the shelf that is not kept for ever. The same as core's, which the worker does not load. */
export function isPatchRow(event: Event): boolean {
  return event.type === "patched" || event.type === "rebased";
}

/** The minute that a patch belongs to, counted from the Unix epoch. */
export function minuteOf(at: number): number {
  return Math.floor(at / 60_000);
}
