import { parseArgs } from "node:util";
import { runKills } from "./run.ts";

const usage = `npm run kill -- [--kills 300] [--seed N] [--large ITEMS]

Kills an origin, a sidecar and an application with SIGKILL at any moment while data is published and patched, starts them again, and
checks that nothing acknowledged is lost, that nothing half-written is ever read, and that nobody has to repair anything.`;

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "300" },
    seed: { type: "string", default: process.env["SLUICE_SEED"] ?? String(Date.now() % 1_000_000) },
    large: { type: "string", default: "200000" },
    help: { type: "boolean", default: false },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (values.help) say(usage);
else {
  const start = performance.now();
  const seed = Number(values.seed);
  say(`seed ${seed}`);
  const { kills, steps, reads } = await runKills({
    kills: Number(values.kills),
    seed,
    largeItems: Number(values.large),
    say,
  });
  const total = Object.values(kills).reduce((sum, count) => sum + count, 0);
  const tookS = ((performance.now() - start) / 1000).toFixed(0);
  say(
    `${total} kills in ${tookS} s: ${JSON.stringify(kills)}; ${steps} acknowledged steps; whole datasets read and compared: ${JSON.stringify(reads)}`,
  );
  say("nothing lost, nothing mixed, nothing repaired by hand");
}
