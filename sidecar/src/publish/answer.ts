import type { Command, LoggedEvent, NamespaceState, QuarantinedChanges } from "@sluice/core";
import { activeRelease, own, percentText, quarantinedText, takenBackText } from "@sluice/core";
import type { PublishAnswer } from "@sluice/core/api";
import type { Comparison } from "./compare.ts";

type Publish = Extract<Command, { type: "publish" }>;

/** What a publish that made a version, or started the one that was held, is answered with. `state` is the one after it. */
export function publishedAnswer(
  command: Publish,
  events: readonly LoggedEvent[],
  state: NamespaceState,
): PublishAnswer {
  const published = eventOf(events, "version-published");
  const started = eventOf(events, "release-started");
  const { dataset, content, difference, warnings, quarantinedChanges } = command;
  const number = published?.number ?? own(state.datasets, dataset)?.candidate?.publish ?? 0;
  const outcome = started !== undefined ? "started" : published?.live === true ? "live" : "held";
  const what = `v${number} of ${dataset}`;
  const message =
    started !== undefined
      ? `${what} is out to ${percentText(started.thousandths)}; take it back with: sluice revert ${dataset}`
      : outcome === "live"
        ? `${what} is live with ${count(content.items)} items`
        : heldText(what, command, state, quarantinedChanges);
  return {
    outcome,
    message,
    dataset,
    number,
    items: content.items,
    contentHash: content.contentHash,
    difference,
    warnings,
    quarantinedChanges,
    release: started?.release ?? null,
  };
}

/** What a publish is answered with whose content is out or held already. */
export function unchangedAnswer(
  state: NamespaceState,
  dataset: string,
  comparison: Pick<Comparison, "items" | "contentHash">,
  decision: { readonly message: string; readonly number: number | null },
): PublishAnswer {
  const { stable, candidate } = own(state.datasets, dataset) ?? { stable: null, candidate: null };
  const number = decision.number ?? stable?.number ?? 1;
  return {
    outcome: "unchanged",
    message: decision.message,
    dataset,
    number,
    items: comparison.items,
    contentHash: comparison.contentHash,
    difference: null,
    warnings: [],
    quarantinedChanges: null,
    release: candidate?.number === number ? (activeRelease(state, dataset)?.id ?? null) : null,
  };
}

function heldText(
  what: string,
  { dataset, request, difference }: Publish,
  state: NamespaceState,
  quarantined: QuarantinedChanges | null,
): string {
  if (quarantined !== null) return `${what} is held: ${quarantinedText(dataset, quarantined)}`;
  const { added, changed, removed } = difference;
  const known = own(state.datasets, dataset);
  // Its release was asked for, and a person has to say so after something was taken back.
  const since = request === null || known === undefined ? null : takenBackText(known);
  const why = since === null ? "" : `, since ${since}`;
  return `${what} is held${why}: ${count(added)} added, ${count(changed)} changed, ${count(removed)} removed; start it with: sluice release start ${dataset}`;
}

function count(items: number): string {
  return items.toLocaleString("en-US");
}

function eventOf<T extends LoggedEvent["event"]["type"]>(
  events: readonly LoggedEvent[],
  type: T,
): Extract<LoggedEvent["event"], { type: T }> | undefined {
  for (const { event } of events) {
    if (event.type === type) return event as Extract<LoggedEvent["event"], { type: T }>;
  }
  return undefined;
}
