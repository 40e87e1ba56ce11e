import type { LoggedEvent } from "@sluice/core";
import type { LineContents } from "@sluice/core/api";
import type { Blobs, DatasetLines, Feed } from "@sluice/replica";
import type { Commands } from "./commands.ts";

/** How many events are kept for followers that come back; one that is further behind gets the state. */
const keptMax = 10_000;

/** What an origin tells its followers: every event once it is durable, every revert at once. */
export function createOriginFeed(dependencies: {
  readonly commands: Commands;
  readonly log: { readonly id: string };
  readonly blobs: Blobs;
  readonly lines: () => ReadonlyMap<string, DatasetLines>;
}): Feed {
  const { commands, log, blobs } = dependencies;
  const first = commands.state().sequence;
  let kept: LoggedEvent[] = [];

  commands.subscribe({
    events(events) {
      kept.push(...events);
      // Cut seldom, so that an event costs no copy of the ten thousand before it.
      if (kept.length > 2 * keptMax) kept = kept.slice(-keptMax);
    },
  });

  return {
    log: () => log.id,
    state: () => commands.state(),
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
    since(sequence) {
      const from = kept[0]?.sequence ?? first + 1;
      if (sequence + 1 < from || sequence > commands.state().sequence) return null;
      return kept.slice(sequence + 1 - from);
    },
    marks: () => commands.marks(),
    contactAgeMs: () => 0,
    present: (mark) => commands.present(mark),
    blobs,
    subscribe: (listener) =>
      commands.subscribe({
        events: (events) => listener.events(events),
        mark: (mark) => listener.mark(mark),
      }),
  };
}
