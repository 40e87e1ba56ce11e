import type { Desk } from "../stage/desk.ts";
import type { DemoOptions } from "../stage/options.ts";
import type { Outcome } from "../stage/outcome.ts";
import type { Setting } from "../stage/setting.ts";
import type { Stage } from "../stage/stage.ts";

/** One thing that may happen to a shop, and what has to come of it. */
export interface Scenario {
  /** What `--scenario` is given. */
  readonly name: string;
  /** What happens, in a sentence. */
  readonly about: string;
  /** What `--no-guard` takes away, and what comes of that. */
  readonly withoutGuard: string;
  /** Programs that it runs besides this project's, by the Debian package of each. */
  readonly programs: readonly string[];
  setting(guard: boolean): Setting;
  /** Plays it on the set stage. It throws only where the stage itself breaks. */
  tell(told: Told): Promise<Outcome>;
}

/** What a scenario is played with. */
export interface Told extends Pick<Desk, "directory" | "processes" | "timeline"> {
  readonly stage: Stage;
  readonly options: DemoOptions;
}
