/** A queue before something that only so many may do at once. */
export interface Admission {
  /**
   * Calls `begin` as soon as there is room, at once where there is; `finish` makes room for the next and may be called twice.
   * The returned function gives up the place in the queue, or the room.
   */
  request(begin: (finish: () => void) => void): () => void;
  /** How many wait. */
  waiting(): number;
}

/** Admits `concurrentMax` at once, the others in the order in which they came. */
export function createAdmission(concurrentMax: number): Admission {
  const queue = new Set<() => void>();
  let inside = 0;

  function admitNext(): void {
    for (const start of queue) {
      if (inside >= concurrentMax) return;
      queue.delete(start);
      inside += 1;
      start();
    }
  }

  return {
    request(begin) {
      let state: "waiting" | "inside" | "finished" = "waiting";
      const finish = (): void => {
        if (state === "inside") inside -= 1;
        else queue.delete(start);
        const freed = state === "inside";
        state = "finished";
        if (freed) admitNext();
      };
      const start = (): void => {
        state = "inside";
        begin(finish);
      };
      queue.add(start);
      admitNext();
      return finish;
    },
    waiting: () => queue.size,
  };
}
