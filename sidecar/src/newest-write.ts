/** Writes of one record, of which only the newest counts. */
export interface NewestWrite {
  /** The record has changed: it is written now, or once more when the write in flight has ended. */
  changed(): void;
  /** Ends when the newest record is written, or could not be. */
  idle(): Promise<void>;
}

/**
 * One write in flight and at most one more to come, whose text is made when its turn is: a store that hangs would otherwise gather
 * a whole record in memory each second. `write` makes the text before it first waits; what fails is told to `failed`.
 */
export function createNewestWrite(write: () => Promise<void>, failed: (error: unknown) => void): NewestWrite {
  let writing: Promise<void> | undefined;
  let again = false;

  async function run(): Promise<void> {
    do {
      again = false;
      try {
        await write();
      } catch (error) {
        failed(error);
      }
    } while (again);
    writing = undefined;
  }

  return {
    changed() {
      if (writing === undefined) writing = run();
      else again = true;
    },
    idle: () => writing ?? Promise.resolve(),
  };
}
