import { isActive, own, type ReleaseState } from "@sluice/core";
import type { Snapshot, SnapshotChange } from "@sluice/replica";
import type { ClientEvents, Events } from "./events.ts";

/** Tells the listeners what changed in the datasets of a client. A state that came whole is compared like any other. */
export function emitChanges(events: Events, datasets: readonly string[], { previous, snapshot }: SnapshotChange): void {
  for (const dataset of datasets) {
    const version = versionsOf(snapshot, dataset);
    const before = versionsOf(previous, dataset);
    if (version.stable !== before.stable || version.candidate !== before.candidate) events.emit("version", version);
  }
  for (const release of Object.values(snapshot.state.releases)) {
    if (!datasets.includes(release.dataset)) continue;
    const before = own(previous.state.releases, release.id);
    const hasMoved = before?.phase !== release.phase || before.thousandths !== release.thousandths;
    // What had ended before this client heard of it is history.
    if (hasMoved && (before !== undefined || isActive(release))) {
      const { id, dataset, phase, thousandths } = release;
      events.emit("release", { release: id, dataset, phase, thousandths });
    }
    if (isReverted(release.id, snapshot) && !isReverted(release.id, previous)) {
      events.emit("reverted", revertOf(release));
    }
  }
}

/**
 * Whether new views must not see a release's candidate any more. One that the state has forgotten, or that another log never had,
 * cannot be vouched for.
 */
export function isReverted(release: string, { state, marks }: Snapshot): boolean {
  const phase = own(state.releases, release)?.phase;
  return phase === undefined || phase === "reverted" || marks.has(release);
}

function revertOf({ id, dataset, candidatePublish, phase, ended }: ReleaseState): ClientEvents["reverted"] {
  const reason = phase === "reverted" ? (ended?.cause.reason ?? null) : null;
  return { release: id, dataset, publish: candidatePublish, reason };
}

function versionsOf({ datasets }: Snapshot, dataset: string): ClientEvents["version"] {
  const lines = datasets.get(dataset);
  return { dataset, stable: lines?.stable?.number ?? null, candidate: lines?.candidate?.number ?? null };
}
