// `npm run compare`: the same broken file in the same shop, with Sluice and with what people have today. Measured, both.
import { playWithFlag } from "./compare/flag-stage.ts";
import { sideBySide } from "./compare/table.ts";
import type { Summary } from "./judge/ledger.ts";
import { createDesk } from "./stage/desk.ts";
import { type DemoOptions, readOptions, refuseTakenPort, runProgram } from "./stage/options.ts";
import { setStage } from "./stage/stage.ts";
import { tellStory } from "./stage/story.ts";

const help = `The same broken price file in the same shop, before the same shoppers and the same judge, twice:
with Sluice, and with a version flag, a file for each version and a 60-second alert rule that flips
the flag back. Both are measured; it takes about three minutes.

  npm run compare

  --json              one JSON object as the last line, progress on standard error
  --port PORT         the sidecar (7070)
  --shop-port PORT    the shop (3000)
  --seed NUMBER       another catalogue (1111)
  --help
`;

await runProgram(help, async (args) => {
  const options = readOptions(args, ["json"]);
  await refuseTakenPort(options.port, "--port");
  await refuseTakenPort(options.shopPort, "--shop-port");
  await run(options);
});

async function run(options: DemoOptions): Promise<void> {
  const { json, shopPort, seed } = options;
  let result: { sluice: Summary; flag: Summary } | null = null;
  const desk = createDesk({
    interruptedCode: 130,
    write: (text) => (json ? process.stderr : process.stdout).write(text),
    lastLine: (why) => (json ? JSON.stringify(result ?? { error: why }) : null),
  });
  const { timeline, processes, ending } = desk;
  try {
    timeline.plain("\n  1 of 2: with Sluice\n");
    const { summary: sluice, failures } = await tellStory(await setStage({ ...desk, options }), timeline);
    await processes.stopAll();
    if (failures.length > 0) throw new Error(`the story with Sluice did not happen whole: ${failures.join("; ")}`);

    timeline.plain("\n  2 of 2: with a version flag, a file for each version and a 60-second alert rule\n");
    const flag = await playWithFlag({ ...desk, shopPort, seed });
    result = { sluice, flag };
    timeline.plain(`\n${sideBySide(sluice, flag)}\n`);
    timeline.plain(
      "  Sluice showed the file to 5 % of the shoppers first; a version flag shows it to everybody at once.",
    );
    ending.begin(0, null);
  } catch (error) {
    ending.begin(1, error instanceof Error ? error.message : String(error));
  }
}
