import type { SuiteResult } from "./report/row.ts";
import type { Stage } from "./stage.ts";

/** What a suite is run with. */
export interface SuiteContext {
  readonly stage: Stage;
  readonly items: number;
  /** Small sizes and few rounds, for trying. */
  readonly quick: boolean;
  /** Tells whoever waits what is going on. */
  readonly say: (text: string) => void;
}

/** One table of the bench. */
export interface Suite {
  readonly name: string;
  /** What it is about, in one line. */
  readonly about: string;
  /** Runs only where it is named. */
  readonly isLong?: boolean;
  run(context: SuiteContext): Promise<SuiteResult>;
}
