/** What has to be true for the parts of the story to have happened. */
export interface Checks<Name extends string = string> {
  /** Runs one part. False where it threw or an expectation was not met. */
  step(name: Name, act: (expect: Checks["expect"]) => Promise<void>): Promise<boolean>;
  /** Notes a failure, in words, where something is not so. */
  expect(isSo: boolean, otherwise: string): void;
  /** Every part, true where it ran and nothing failed in it. */
  steps(): Record<Name, boolean>;
  failures(): readonly string[];
}

/** Starts with no part done. */
export function createChecks<Name extends string>(names: readonly Name[]): Omit<Checks<Name>, "expect"> {
  const done = new Set<Name>();
  const failures: string[] = [];
  return {
    async step(name, act) {
      const before = failures.length;
      try {
        await act((isSo, otherwise) => {
          if (!isSo) failures.push(`${name}: ${otherwise}`);
        });
      } catch (error) {
        failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
      if (failures.length === before) done.add(name);
      return done.has(name);
    },
    steps: () => Object.fromEntries(names.map((name) => [name, done.has(name)])) as Record<Name, boolean>,
    failures: () => failures,
  };
}
