import type { LoggedEvent } from "@sluice/core";
import type { Commands } from "../commands.ts";

/** What happens to a dataset while something is worked out against it. */
export interface Pending {
  /** Patches that have not been taken yet, oldest first. */
  take(max: number): readonly LoggedEvent[];
  readonly waiting: number;
  /** Whether another line became the stable one: what was worked out is of a line that is gone. */
  readonly moved: boolean;
  close(): void;
}

/** Listens from now on. */
export function createPending(commands: Pick<Commands, "subscribe">, dataset: string): Pending {
  let patches: LoggedEvent[] = [];
  let moved = false;
  const unsubscribe = commands.subscribe({
    events(events, before) {
      for (const logged of events) {
        const { event } = logged;
        if (event.type === "patched" && event.dataset === dataset) patches.push(logged);
        else if (event.type === "version-published") moved ||= event.live && event.dataset === dataset;
        else if (event.type === "version-restored") moved ||= event.dataset === dataset;
        else if (event.type === "release-completed") moved ||= before.datasets[dataset]?.release === event.release;
      }
    },
  });
  return {
    take(max) {
      const taken = patches.slice(0, max);
      patches = patches.slice(max);
      return taken;
    },
    get waiting() {
      return patches.length;
    },
    get moved() {
      return moved;
    },
    close: unsubscribe,
  };
}
