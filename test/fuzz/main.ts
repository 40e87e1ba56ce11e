import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { drawInput } from "./draw.ts";
import { type FuzzResult, runFuzz } from "./run.ts";
import { createTargets } from "./targets.ts";

const usage = `npm run fuzz -- [--inputs 1000000] [--seed N] [--target NAME]… [--out DIRECTORY] [--replay FILE]

Gives changed inputs to every decoder. Each answers or refuses with a typed error, never with another exception, never with
a hang, and never with more memory than its input and its limits allow. What fails is written to a file of its own.`;

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "1000000" },
    seed: { type: "string", default: process.env["SLUICE_SEED"] ?? String(Date.now() % 1_000_000) },
    target: { type: "string", multiple: true, default: [] },
    out: { type: "string", default: join(tmpdir(), "sluice-fuzz") },
    replay: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const targets = await createTargets();
if (values.help) {
  say(`${usage}\n\nTargets: ${targets.map(({ name }) => name).join(" ")}`);
  process.exit(0);
}
const failed = values.replay === undefined ? await runAll() : await replay(values.replay);
process.exit(failed ? 1 : 0);

/** Takes one input again; the target is the first word of the file's name. */
async function replay(file: string): Promise<boolean> {
  const [target = ""] = basename(file).split("-");
  const { failures } = await runFuzz({ target, seed: 0, inputs: 1, input: readFileSync(file) });
  for (const { reason } of failures) say(`${target}: ${reason}`);
  if (failures.length === 0) say(`${target}: answered as it should`);
  return failures.length > 0;
}

async function runAll(): Promise<boolean> {
  const seed = Number(values.seed);
  const inputs = Number(values.inputs);
  const unknown = values.target.filter((name) => !targets.some((target) => target.name === name));
  if (!Number.isInteger(seed) || !(inputs >= 1) || unknown.length > 0) {
    say(`${usage}\n\nno target ${unknown.join(", ")}; there are ${targets.map(({ name }) => name).join(" ")}`);
    return true;
  }
  const chosen = targets.filter(({ name }) => values.target.length === 0 || values.target.includes(name));
  const weights = chosen.reduce((sum, { weight }) => sum + weight, 0);
  say(`seed ${seed}`);
  let taken = 0;
  let failures = 0;
  const start = performance.now();
  for (const { name, weight } of chosen) {
    const result = await runFuzz({ target: name, seed, inputs: Math.ceil((inputs * weight) / weights) });
    print(result);
    keep(result, seed);
    taken += result.inputs;
    failures += result.failures.length;
  }
  const tookS = (performance.now() - start) / 1000;
  say(`${taken} inputs in ${tookS.toFixed(0)} s, ${failures} failures, seed ${seed}`);
  return failures > 0;
}

function print({ target, inputs, tookMs, failures }: FuzzResult): void {
  const rate = Math.round((inputs / tookMs) * 1000);
  say(
    `${target.padEnd(12)}${String(inputs).padStart(9)} inputs ${String(rate).padStart(7)}/s  ${failures.length} failures`,
  );
}

function keep({ target: name, failures }: FuzzResult, seed: number): void {
  const target = targets.find((one) => one.name === name);
  if (failures.length === 0 || target === undefined) return;
  mkdirSync(values.out, { recursive: true });
  for (const { index, reason } of failures) {
    const file = join(values.out, `${name}-${seed}-${index}.bin`);
    writeFileSync(file, drawInput(target, seed, index));
    say(`\n${name} ${index}: ${reason}\nagain: npm run fuzz -- --replay ${file}`);
  }
}
