// `npm start`: the shop, the sidecar's page and this timeline, and the story of four price files.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEnding } from "./stage/ending.ts";
import { type DemoOptions, help, readOptions, refuseTakenPort, UsageError } from "./stage/options.ts";
import { play } from "./stage/play.ts";
import { createProcesses } from "./stage/processes.ts";
import { setStage } from "./stage/stage.ts";
import { type Outcome, tellStory } from "./stage/story.ts";
import { createTimeline } from "./stage/timeline.ts";

const startedAt = Date.now();

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === null) {
    process.stdout.write(help);
    return;
  }
  await refuseTakenPort(options.port, "--port");
  await refuseTakenPort(options.shopPort, "--shop-port");
  await run(options);
}

async function run(options: DemoOptions): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "sluice-storefront-"));
  const logDirectory = join(directory, "logs");
  mkdirSync(logDirectory);
  const timeline = createTimeline(startedAt, (text) => process.stdout.write(text));
  let outcome: Outcome | null = null;

  const processes = createProcesses({
    logDirectory,
    onDeath: (name, reason) => ending.begin(1, `${name} ended by itself: ${reason}`),
  });
  const ending = createEnding({
    interruptedCode: options.once ? 130 : 0,
    async tidy(code, why) {
      if (why !== null) timeline.say(code === 0 ? "quiet" : "bad", why);
      await processes.stopAll();
      if (code === 0) rmSync(directory, { recursive: true, force: true });
      else timeline.plain(`  what the processes printed is in ${logDirectory}`);
      // The last line is for scripts, whatever happened.
      if (options.once) timeline.plain(JSON.stringify(resultOf(outcome, why, options)));
    },
  });

  timeline.plain(greeting(options));
  try {
    const stage = await setStage({ options, directory, processes, timeline });
    outcome = await tellStory(stage, timeline);
    for (const failure of outcome.failures) timeline.say("bad", failure);
    const isWhole = outcome.failures.length === 0;
    if (isWhole) timeline.say("good", `all of it happened, in ${((Date.now() - startedAt) / 1_000).toFixed(0)} s`);
    if (options.once) ending.begin(isWhole ? 0 : 1, null);
    else await play({ stage, options, processes, timeline });
  } catch (error) {
    ending.begin(1, error instanceof Error ? error.message : String(error));
  }
}

function resultOf(outcome: Outcome | null, why: string | null, { seed, guard }: DemoOptions): object {
  const elapsedMs = Date.now() - startedAt;
  if (outcome === null) return { ok: false, elapsedMs, seed, guard, failures: [why] };
  const { steps, failures, summary } = outcome;
  return { ok: failures.length === 0, ...summary, elapsedMs, seed, guard, steps, failures };
}

function greeting({ port, shopPort }: DemoOptions): string {
  return `
  the shop      http://127.0.0.1:${shopPort}     two shoppers side by side, one in each arm
  the release   http://127.0.0.1:${port}     who sees what, and the button that takes it back
  the timeline  here
`;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
