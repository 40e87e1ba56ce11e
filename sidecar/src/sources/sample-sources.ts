import type { Clock, SourceDefinition } from "@sluice/core";
import type { SourceStatus } from "@sluice/core/api";
import { pino } from "pino";
import type { SampleOrigin } from "../publish/sample-origin.ts";
import { settleMs } from "./file-source.ts";
import { answerMsMax, standstillMsMax } from "./http-source.ts";
import { createSources, type Sources, type SourcesDependencies } from "./sources.ts";

/** How often the sources of tests look, in milliseconds. */
export const intervalMs = 10_000;

/** The sources of an origin, with the ends of their turns to be waited for. */
export interface SampleSources {
  readonly sources: Sources;
  /** Adds the source `main` to `prices`, and ends with its first turn. */
  add(url: string, onNew?: SourceDefinition["onNew"]): Promise<SourceStatus>;
  /** How `main` of `prices` stands. */
  status(): SourceStatus;
  /** Ends when a turn that began before or begins now has ended; the pause after it is in `pauses`. */
  turn(begin?: () => void | Promise<unknown>): Promise<SourceStatus>;
  /** Pauses between turns so far, in milliseconds; the jitter is always none. */
  readonly pauses: readonly number[];
  /** Ends when a timer of so many milliseconds is set. */
  timer(ms: number): Promise<void>;
}

/** Timers that a source sets within a turn. */
const withinTurn: readonly number[] = [answerMsMax, standstillMsMax, settleMs];

/** Makes and starts the sources of an origin. */
export function createSampleSources(
  origin: SampleOrigin,
  options: Partial<SourcesDependencies> & Pick<SourcesDependencies, "fetch">,
): SampleSources {
  const pauses: number[] = [];
  let waiting: { readonly ms: number | null; readonly resolve: () => void }[] = [];
  const clock: Clock = {
    now: () => origin.clock.now(),
    wall: () => origin.clock.wall(),
    setTimer(delayMs, fire) {
      const isPause = !withinTurn.includes(delayMs);
      if (isPause) pauses.push(delayMs);
      const timer = origin.clock.setTimer(delayMs, fire);
      const met = waiting.filter(({ ms }) => (ms === null ? isPause : ms === delayMs));
      waiting = waiting.filter((entry) => !met.includes(entry));
      for (const { resolve } of met) resolve();
      return timer;
    },
  };
  const timerOf = (ms: number | null): Promise<void> => new Promise((resolve) => waiting.push({ ms, resolve }));
  const sources = createSources({
    commands: origin.commands,
    publisher: origin.publisher,
    documents: origin.store.log,
    clock,
    // The middle of the jitter.
    random: () => 0.5,
    logger: pino({ level: "silent" }),
    ...options,
  });
  sources.start();
  const sample: SampleSources = {
    sources,
    pauses,
    add: (url, onNew = "hold") =>
      sample.turn(() =>
        origin.give({ type: "add-source", dataset: "prices", source: { id: "main", url, intervalMs, onNew } }),
      ),
    status() {
      const [status] = sources.status("prices");
      if (status === undefined) throw new Error("there is no source");
      return status;
    },
    async turn(begin = () => sources.poke("prices", "main")) {
      const ended = timerOf(null);
      await begin();
      await ended;
      return sample.status();
    },
    timer: timerOf,
  };
  return sample;
}
