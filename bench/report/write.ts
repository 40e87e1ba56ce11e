import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chartSvg } from "./chart.ts";
import { machineText, versionsText } from "./machine.ts";
import { sectionOf, withSection } from "./markdown.ts";
import type { SuiteResult } from "./row.ts";

const docs = join(import.meta.dirname, "../../docs");

/** Writes a suite's section of docs/BENCHMARKS.md and its pictures; the other suites' stay as they are. */
export function writeDocs(result: SuiteResult, order: readonly string[]): void {
  const path = join(docs, "BENCHMARKS.md");
  const pictures = join(docs, "benchmarks");
  const circumstances = {
    machine: machineText(),
    versions: versionsText(),
    day: new Date().toISOString().slice(0, 10),
  };
  const document = existsSync(path) ? readFileSync(path, "utf8") : null;
  writeFileSync(path, withSection(document, sectionOf(result, circumstances), result.suite, order));
  mkdirSync(pictures, { recursive: true });
  for (const name of readdirSync(pictures)) if (name.startsWith(`${result.suite}-`)) rmSync(join(pictures, name));
  for (const chart of result.charts) {
    writeFileSync(join(pictures, `${result.suite}-${chart.name}.svg`), chartSvg(chart));
  }
}

/** Writes figures as JSON: one suite as `{"suite", "rows"}`, several as suite `all`, each row with its suite. */
export function writeJson(path: string, results: readonly SuiteResult[], quick: boolean): void {
  const marked = quick ? { quick } : {};
  const [first] = results;
  const report =
    results.length === 1 && first !== undefined
      ? { suite: first.suite, ...marked, rows: first.rows }
      : { suite: "all", ...marked, rows: results.flatMap(({ suite, rows }) => rows.map((row) => ({ suite, ...row }))) };
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
}
