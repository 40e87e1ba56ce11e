// `npm start`: the shop, the sidecar's page and this timeline, and the story of four price files.
import { createDesk } from "./stage/desk.ts";
import { type DemoOptions, readOptions, refuseTakenPort, runProgram } from "./stage/options.ts";
import { play } from "./stage/play.ts";
import { setStage } from "./stage/stage.ts";
import { type Outcome, tellStory } from "./stage/story.ts";

const startedAt = Date.now();

const help = `Sluice, watched: a shop of 10,000 articles, and a price file that breaks it.

  npm start                        tells the story, then keeps running for you to play with
  npm start -- --once              ends after the story; exit code 0 only if all of it happened,
                                   and one JSON object as the last line
  npm start -- --once --no-guard   the same with a guard that cannot act: exits 1

  --port PORT         the sidecar and its page (7070)
  --shop-port PORT    the shop (3000)
  --seed NUMBER       another catalogue (1111)
  --data DIR          keep the sidecar's data here, in an empty directory (a temporary one)
  --help
`;

await runProgram(help, async (args) => {
  const options = readOptions(args, ["once", "no-guard", "data"]);
  await refuseTakenPort(options.port, "--port");
  await refuseTakenPort(options.shopPort, "--shop-port");
  await run(options);
});

async function run(options: DemoOptions): Promise<void> {
  let outcome: Outcome | null = null;
  const desk = createDesk({
    interruptedCode: options.once ? 130 : 0,
    write: (text) => process.stdout.write(text),
    lastLine: (why) => (options.once ? JSON.stringify(resultOf(outcome, why, options)) : null),
  });
  const { timeline, ending } = desk;
  timeline.plain(greeting(options));
  try {
    const stage = await setStage({ ...desk, options });
    outcome = await tellStory(stage, timeline);
    for (const failure of outcome.failures) timeline.say("bad", failure);
    const isWhole = outcome.failures.length === 0;
    if (isWhole) timeline.say("good", `all of it happened, in ${((Date.now() - startedAt) / 1_000).toFixed(0)} s`);
    if (options.once) ending.begin(isWhole ? 0 : 1, null);
    else await play({ ...desk, stage, options });
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
