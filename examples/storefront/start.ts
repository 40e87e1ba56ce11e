// `npm start`: the shop, the sidecar's page and this timeline, and the story of four price files or another scenario.
import type { Scenario } from "./scenarios/scenario.ts";
import { findScenario, listScenarios, requirePrograms } from "./scenarios/table.ts";
import { createDesk } from "./stage/desk.ts";
import { type DemoOptions, readOptions, refuseTakenPort, runProgram, UsageError } from "./stage/options.ts";
import type { Outcome } from "./stage/outcome.ts";
import { invite, play } from "./stage/play.ts";
import { setStage } from "./stage/stage.ts";
import { paragraph } from "./stage/timeline.ts";

const startedAt = Date.now();

const help = `Sluice, watched: a shop of 10,000 articles, and what may happen to it.

  npm start                        tells the story of four price files, then keeps running for you to play with
  npm start -- --once              ends after the story; exit code 0 only if all of it happened,
                                   and one JSON object as the last line
  npm start -- --once --no-guard   the same with a guard that cannot act: exits 1

  --scenario NAME     another story, with the same two options
  --scenario list     says which there are; with --json on one line
  --port PORT         the sidecar and its page (7070)
  --shop-port PORT    the shop (3000)
  --seed NUMBER       another catalogue (1111)
  --data DIR          keep the sidecar's data here, in an empty directory (a temporary one)
  --help

Exit code 2: it was not started, because of an option, a port that is taken, or a program that is not installed.
`;

await runProgram(help, async (args) => {
  const options = readOptions(args, ["once", "no-guard", "data", "scenario", "json"]);
  if (options.scenario === "list") {
    process.stdout.write(`${listScenarios(options.json)}\n`);
    return;
  }
  if (options.json) throw new UsageError("--json goes with --scenario list; --once has a last line of JSON anyway");
  const scenario = findScenario(options.scenario);
  requirePrograms(scenario);
  await refuseTakenPort(options.port, "--port");
  await refuseTakenPort(options.shopPort, "--shop-port");
  await run(scenario, options);
});

async function run(scenario: Scenario, options: DemoOptions): Promise<void> {
  let outcome: Outcome | null = null;
  const desk = createDesk({
    interruptedCode: options.once ? 130 : 0,
    write: (text) => process.stdout.write(text),
    lastLine: (why) => (options.once ? JSON.stringify(resultOf(scenario, outcome, why, options)) : null),
  });
  const { timeline, ending } = desk;
  timeline.plain(greeting(scenario, options));
  try {
    const stage = await setStage({ ...desk, options, setting: scenario.setting(options.guard) });
    outcome = await scenario.tell({ ...desk, stage, options });
    for (const failure of outcome.failures) timeline.say("bad", failure);
    const isWhole = outcome.failures.length === 0;
    if (isWhole) timeline.say("good", `all of it happened, in ${((Date.now() - startedAt) / 1_000).toFixed(0)} s`);
    if (options.once) ending.begin(isWhole ? 0 : 1, null);
    else if (options.scenario === null) await play({ ...desk, stage, options });
    else timeline.plain(invite(options));
  } catch (error) {
    ending.begin(1, error instanceof Error ? error.message : String(error));
  }
}

function resultOf({ name }: Scenario, outcome: Outcome | null, why: string | null, options: DemoOptions): object {
  const { seed, guard } = options;
  const about = { scenario: name, elapsedMs: Date.now() - startedAt, seed, guard };
  if (outcome === null) return { ok: false, ...about, failures: [why] };
  const { steps, failures, summary } = outcome;
  return { ok: failures.length === 0, ...summary, ...about, steps, failures };
}

function greeting({ name, about, withoutGuard }: Scenario, { port, shopPort, guard }: DemoOptions): string {
  return `
  the shop      http://127.0.0.1:${shopPort}     two shoppers side by side, one in each arm
  the release   http://127.0.0.1:${port}     who sees what, and the button that takes it back
  the timeline  here

  ${paragraph(`${name}: ${about}`, "  ")}${guard ? "" : `\n  ${paragraph(`--no-guard: ${withoutGuard}`, "  ")}`}
`;
}
