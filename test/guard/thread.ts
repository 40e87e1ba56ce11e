import { parentPort, workerData } from "node:worker_threads";
import { chosenOf, createCatalogue } from "./catalogue.ts";
import { playTask, type Task, type TaskResult, type ThreadStart } from "./play.ts";

// Plays tasks until there are no more.
const { setting, seed } = workerData as ThreadStart;
const port = parentPort;
if (port === null) throw new Error("this file is the work of a thread");

const experiments = new Map(chosenOf(createCatalogue(setting), []).map((experiment) => [experiment.name, experiment]));

port.on("message", (task: Task | null) => {
  if (task === null) {
    port.close();
    return;
  }
  const experiment = experiments.get(task.experiment);
  if (experiment === undefined) throw new Error(`there is no experiment ${task.experiment}`);
  const result: TaskResult = { ...task, results: playTask(experiment, seed, task) };
  port.postMessage(result);
});
