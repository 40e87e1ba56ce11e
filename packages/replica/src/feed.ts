import type { LoggedEvent, NamespaceState } from "@sluice/core";
import type { FollowerInfo, HereReverts, LineContents, Mark } from "@sluice/core/api";
import type { Blobs } from "./blobs.ts";

/** What a feed's listener is told, in order. Listeners must not throw. */
export interface FeedListener {
  /** Events that are durable at the origin. Without a gap. */
  events(events: readonly LoggedEvent[]): void;
  /** A revert that runs ahead of the log. */
  mark(mark: Mark): void;
  /** What hosts have taken back for themselves is another list now. */
  here?(): void;
  /** What was held before is of no use: another log, or too far behind. Followers get the state anew. */
  reset(): void;
}

/**
 * What followers are told, whoever tells it: an origin from its log, a replica from the instance that it follows, at once. Content
 * that is still on its way there is waited for (`Blobs` of a sidecar's routes). Whoever serves followers needs to know no more than this.
 */
export interface Feed {
  /** Id of the log; null where there was no contact with one. */
  log(): string | null;
  /** The state up to which followers are told. */
  state(): NamespaceState;
  /**
   * A state not after `state()` and the contents of every dataset's lines at exactly that state. A sidecar gives the last one at which it
   * held all of them, where it still has the events since. Throws NOT_READY.
   */
  snapshot(): Promise<{
    readonly state: NamespaceState;
    readonly lines: Readonly<Record<string, LineContents>>;
    readonly marks: readonly Mark[];
  }>;
  /** The sequence number of the state that `snapshot` would give now. */
  snapshotSequence(): number;
  /** Events after a sequence number up to `state()`; null where they are not kept any more, or have not happened yet. */
  since(sequence: number): readonly LoggedEvent[] | null;
  /** Marks in force, those that a start from disk found included. */
  marks(): readonly Mark[];
  /** What hosts have taken back for themselves that concerns a follower of this kind; lifted ones too, which say that they are. */
  here(kind: FollowerInfo["kind"]): readonly HereReverts[];
  /** Age of the last contact with the log's owner in milliseconds: 0 at the origin, null where there never was any. */
  contactAgeMs(): number | null;
  /** A follower presents a mark that this instance has not seen. */
  present(mark: Mark): void;
  readonly blobs: Blobs;
  subscribe(listener: FeedListener): () => void;
}
