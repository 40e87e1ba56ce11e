import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { helpText, type Options, parseOptions } from "./options.ts";
import { tableLines } from "./report/markdown.ts";
import type { SuiteResult } from "./report/row.ts";
import { writeDocs, writeJson } from "./report/write.ts";
import { createStage, type Stage } from "./stage.ts";
import type { Suite } from "./suite.ts";
import { fanoutSuite } from "./suites/fanout.ts";
import { memorySuite } from "./suites/memory.ts";
import { openSuite } from "./suites/open.ts";
import { patchSuite } from "./suites/patch.ts";
import { publishSuite } from "./suites/publish.ts";
import { readSuite } from "./suites/read.ts";
import { revertSuite } from "./suites/revert.ts";
import { soakSuite } from "./suites/soak.ts";
import { switchSuite } from "./suites/switch.ts";

const itemsOfDocs = 1_000_000;
const suites: readonly Suite[] = [
  readSuite,
  openSuite,
  memorySuite,
  publishSuite,
  patchSuite,
  switchSuite,
  fanoutSuite,
  revertSuite,
  soakSuite,
];
type Say = (text: string) => void;

const messageLengthMax = 2_000;
const names = suites.map(({ name }) => name);

try {
  const options = parseOptions(process.argv.slice(2), names);
  if (options.help) process.stdout.write(helpText(suites));
  else await bench(options);
} catch (error) {
  process.stderr.write(`bench: ${messageOf(error)}\n`);
  process.exitCode = 1;
}

async function bench(options: Options): Promise<void> {
  if (process.platform !== "linux")
    throw new Error("the bench reads /proc and asks dd and fincore, so it runs on Linux alone");
  installPeers();
  const chosen =
    options.suites.length === 0
      ? suites.filter(({ isLong }) => isLong !== true)
      : suites.filter(({ name }) => options.suites.includes(name));
  const start = performance.now();
  const say: Say = (text) => {
    process.stderr.write(`[${String(Math.round((performance.now() - start) / 1_000)).padStart(4)} s] ${text}\n`);
  };
  const stage = createStage(options.items, say);
  const interrupt = (): void => {
    void stage.clear().finally(() => process.exit(130));
  };
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  const results: SuiteResult[] = [];
  try {
    for (const suite of chosen) {
      say(`${suite.name}: begins`);
      const result = await run(suite, stage, options, say);
      await stage.rest();
      if (result === null) continue;
      results.push(result);
      print(result, options);
      if (!options.quick && options.items === itemsOfDocs) writeDocs(result, names);
      // After each suite, so that a later one that fails takes no figures with it.
      if (options.json !== null) writeJson(options.json, results, options.quick);
    }
  } finally {
    await stage.clear();
  }
}

/** Null where it failed: the other suites are measured all the same. */
async function run(suite: Suite, stage: Stage, { items, quick }: Options, say: Say): Promise<SuiteResult | null> {
  try {
    return await suite.run({ stage, items, quick, say: (text) => say(`${suite.name}: ${text}`) });
  } catch (error) {
    say(`${suite.name}: failed: ${messageOf(error)}`);
    process.exitCode = 1;
    return null;
  }
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, messageLengthMax);
}

function print({ suite, rows }: SuiteResult, { quick }: Options): void {
  const mark = quick ? " (quick: sizes for trying, no figures)" : "";
  const lines = tableLines(rows).map((line) => line.replaceAll("**", ""));
  process.stdout.write(`\n${suite}${mark}\n\n${lines.join("\n")}\n`);
  const missed = rows.filter(({ reached }) => reached === false);
  if (missed.length > 0) process.stdout.write(`\nnot reached: ${missed.map(({ figure }) => figure).join("; ")}\n`);
}

/** The product does not install the bench's peers, so the bench does, from its own lockfile. */
function installPeers(): void {
  if (existsSync(join(import.meta.dirname, "node_modules/lmdb/package.json"))) return;
  process.stderr.write("installs the peers\n");
  const { status } = spawnSync("npm", ["ci", "--ignore-scripts"], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status !== 0) throw new Error("npm ci of the bench's own dependencies failed");
}
