import type { HoldWant, LoggedEvent, NamespaceState, ReleaseState } from "@sluice/core";
import type { Mark } from "@sluice/core/api";

/** Who is told what happens, and asked what it wants. */
export interface CommandsListener {
  events?(events: readonly LoggedEvent[], before: NamespaceState): void;
  mark?(mark: Mark): void;
  /** Who wants a release held that somebody else holds: asked when that hold ends, and whoever is next holds in the same append. */
  wantsHeld?(release: ReleaseState): readonly HoldWant[];
}

/** All listeners as one, in the order in which they came. */
export interface CommandsListeners extends Required<CommandsListener> {
  subscribe(listener: CommandsListener): () => void;
}

/** None at first. */
export function createListeners(): CommandsListeners {
  const listeners = new Set<CommandsListener>();
  return {
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    events(events, before) {
      for (const listener of listeners) listener.events?.(events, before);
    },
    mark(mark) {
      for (const listener of listeners) listener.mark?.(mark);
    },
    wantsHeld: (release) => [...listeners].flatMap((listener) => listener.wantsHeld?.(release) ?? []),
  };
}
