import type { LoggedEvent, NamespaceState } from "@sluice/core";
import type { LineContents, Mark } from "@sluice/core/api";
import type { Blobs } from "./blobs.ts";

/** What a feed's listener is told, in order. Listeners must not throw. */
export interface FeedListener {
  /** Events that followers may be told of: durable at the origin, prepared at a sidecar. Without a gap. */
  events(events: readonly LoggedEvent[]): void;
  /** A revert that runs ahead of the log. */
  mark(mark: Mark): void;
  /** What was held before is of no use: another log, or too far behind. Followers get the state anew. */
  reset(): void;
}

/**
 * What followers are told, whoever tells it: an origin from its log, a replica from the instance that it follows, up to where
 * every line is prepared. Whoever serves followers needs to know no more than this.
 */
export interface Feed {
  /** Id of the log; null where nothing was ever prepared here. */
  log(): string | null;
  /** The state up to which followers may be told. */
  state(): NamespaceState;
  /** Contents of every dataset's lines at exactly `state()`; taken together, so that no event falls in between. */
  snapshot(): Promise<{
    readonly state: NamespaceState;
    readonly lines: Readonly<Record<string, LineContents>>;
    readonly marks: readonly Mark[];
  }>;
  /** Events after a sequence number up to `state()`; null where they are not kept any more, or not announced yet. */
  since(sequence: number): readonly LoggedEvent[] | null;
  /** Marks in force, those that a start from disk found and reverts that `state()` does not say yet included. */
  marks(): readonly Mark[];
  /** Age of the last contact with the log's owner in milliseconds: 0 at the origin, null where there never was any. */
  contactAgeMs(): number | null;
  /** A follower presents a mark that this instance has not seen. */
  present(mark: Mark): void;
  readonly blobs: Blobs;
  subscribe(listener: FeedListener): () => void;
}
