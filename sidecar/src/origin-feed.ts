import type { LoggedEvent } from "@sluice/core";
import type { LineContents } from "@sluice/core/api";
import { type Blobs, createEventRing, type DatasetLines, type Feed } from "@sluice/replica";
import type { Commands } from "./commands.ts";
import type { OriginHere } from "./origin-here.ts";

/** What is kept for followers that come back; one that is further behind gets the state, which is less than so many patches. */
const keptEventsMax = 10_000;
const keptBytesMax = 16 * 1024 * 1024;

/** What an event takes besides items and files. */
const eventBytes = 512;
const fileBytes = 256;
const itemBytes = 100;

/** What an origin tells its followers: every event once it is durable, every revert at once. */
export function createOriginFeed(dependencies: {
  readonly commands: Commands;
  readonly log: { readonly id: string };
  readonly blobs: Blobs;
  readonly here: Pick<OriginHere, "hosts" | "subscribe">;
  readonly lines: () => ReadonlyMap<string, DatasetLines>;
}): Feed {
  const { commands, log, blobs, here } = dependencies;
  const kept = createEventRing({ eventsMax: keptEventsMax, bytesMax: keptBytesMax });
  kept.clear(commands.state().sequence);
  commands.subscribe({
    events(events) {
      for (const logged of events) kept.push(logged, bytesOf(logged));
    },
  });

  return {
    log: () => log.id,
    state: () => commands.state(),
    snapshotSequence: () => commands.state().sequence,
    async snapshot() {
      const state = commands.state();
      const marks = commands.marks();
      const versions = [...dependencies.lines()];
      const lines: Record<string, LineContents> = {};
      for (const [dataset, { stable, candidate }] of versions) {
        lines[dataset] = {
          stable: stable?.content() ?? null,
          candidate: candidate?.content() ?? null,
        };
      }
      return { state, lines, marks };
    },
    since: (sequence) => kept.since(sequence),
    marks: () => commands.marks(),
    // A sidecar speaks for another host; to keep something from all of them is a revert.
    here: (kind) => (kind === "sdk" ? here.hosts() : []),
    contactAgeMs: () => 0,
    present: (mark) => commands.present(mark),
    blobs,
    subscribe: (listener) =>
      both(
        commands.subscribe({
          events: (events) => listener.events(events),
          mark: (mark) => listener.mark(mark),
        }),
        here.subscribe(() => listener.here?.()),
      ),
  };
}

function both(first: () => void, second: () => void): () => void {
  return () => {
    first();
    second();
  };
}

/** About what an event takes in memory. */
function bytesOf({ event }: LoggedEvent): number {
  if (event.type === "rebased") return eventBytes + fileBytes * (event.base.parts.length + event.base.layers.length);
  if (event.type !== "patched") return eventBytes;
  const deltas = event.candidateDelta === null ? [event.delta] : [event.delta, event.candidateDelta];
  return deltas.reduce((sum, { set }) => {
    return set.reduce((bytes, [key, canonical]) => bytes + key.length + canonical.length + itemBytes, sum);
  }, eventBytes);
}
