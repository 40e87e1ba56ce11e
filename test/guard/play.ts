import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { chosenOf, createCatalogue } from "./catalogue.ts";
import type { Experiment, Row, Section, Setting } from "./experiment.ts";
import { createRandom } from "./random.ts";
import type { RunResult } from "./watch.ts";

/** Some runs of one experiment. */
export interface Task {
  readonly experiment: string;
  readonly from: number;
  readonly to: number;
}

/** What a thread is started with. */
export interface ThreadStart {
  readonly setting: Setting;
  readonly seed: number;
}

/** What a thread answers to a task. */
export interface TaskResult extends Task {
  readonly results: readonly RunResult[];
}

/** Which runs to make. */
export interface PlayOptions {
  readonly setting: Setting;
  readonly seed: number;
  /** Texts that the names of the experiments have in them; all of them without any. */
  readonly rows: readonly string[];
  /** Default: as many as the machine has cores; 0 plays in this thread. */
  readonly threads?: number;
  /** Called with the runs that were made and that there are. */
  readonly onProgress?: (done: number, all: number, name: string) => void;
}

// Small enough that no thread is left alone with the last of them.
const runsPerTask = 10;

/** Makes the runs of one task. A run is a function of the seed, the experiment's name and its own number, and of nothing else. */
export function playTask(experiment: Experiment, seed: number, { from, to }: Task): RunResult[] {
  return Array.from({ length: to - from }, (_, index) =>
    experiment.play(createRandom(seed, experiment.name, from + index)),
  );
}

/** What came of the runs, by the name of the experiment and in the order of the runs. */
export type Played = ReadonlyMap<string, readonly RunResult[]>;

/** Plays the chosen experiments and gives their rows, in the order of the catalogue. */
export async function play(options: PlayOptions): Promise<readonly Row[]> {
  return rowsOf(createCatalogue(options.setting), await playRuns(options));
}

/** What the runs come to: the rows of the experiments that were played. */
export function rowsOf(catalogue: readonly Section[], played: Played): readonly Row[] {
  return chosenOf(catalogue, []).flatMap((experiment) => {
    const results = played.get(experiment.name);
    return results === undefined ? [] : experiment.rows(results);
  });
}

/** Plays the chosen experiments. */
export async function playRuns(options: PlayOptions): Promise<Played> {
  const { setting, seed, rows: texts, threads = availableParallelism(), onProgress } = options;
  const experiments = chosenOf(createCatalogue(setting), texts);
  const played = new Map(experiments.map(({ name }): [string, RunResult[]] => [name, []]));
  const tasks = experiments.flatMap(({ name, runs }) =>
    Array.from({ length: Math.ceil(runs / runsPerTask) }, (_, index): Task => {
      const from = index * runsPerTask;
      return { experiment: name, from, to: Math.min(runs, from + runsPerTask) };
    }),
  );
  const all = experiments.reduce((sum, { runs }) => sum + runs, 0);
  let done = 0;
  const take = ({ experiment, from, results }: TaskResult): void => {
    const own = played.get(experiment);
    for (const [index, result] of results.entries()) if (own !== undefined) own[from + index] = result;
    done += results.length;
    onProgress?.(done, all, experiment);
  };

  if (threads === 0) {
    const byName = new Map(experiments.map((experiment) => [experiment.name, experiment]));
    for (const task of tasks) {
      const experiment = byName.get(task.experiment);
      if (experiment !== undefined) take({ ...task, results: playTask(experiment, seed, task) });
    }
  } else {
    const count = Math.min(threads, tasks.length);
    await Promise.all(Array.from({ length: count }, () => runThread({ setting, seed }, tasks, take)));
  }
  return played;
}

/** Hands tasks to a thread, one after the other, until there are none. */
function runThread(start: ThreadStart, tasks: Task[], take: (result: TaskResult) => void): Promise<void> {
  const worker = new Worker(new URL("thread.ts", import.meta.url), {
    workerData: start,
    execArgv: ["--conditions=sluice-source"],
  });
  const next = (): void => worker.postMessage(tasks.shift() ?? null, []);
  return new Promise((resolve, reject) => {
    worker.on("error", reject);
    worker.on("exit", () => resolve());
    worker.on("message", (result: TaskResult) => {
      take(result);
      next();
    });
    next();
  });
}
