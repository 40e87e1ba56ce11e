import { readFileSync } from "node:fs";
import type { RolldownOptions } from "rolldown";

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly "sluice-source": string; readonly default?: string }>>;
}

/**
 * One file for each entry of the package in the working directory, and chunks of what entries share or load later: a process that
 * starts would look up, read and link a hundred small files, which takes longer than all that it then does to its first read.
 * Packages stay apart, so that an application has one @sluice/core, and one class of errors, whoever imports it.
 */
const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;
// An entry without a default is for the tests of other packages.
const entries = Object.values(exports).flatMap((entry) =>
  entry.default === undefined ? [] : [entry["sluice-source"]],
);

const config: RolldownOptions = {
  input: Object.fromEntries(entries.map((path) => [path.replace(/^\.\/src\/|\.ts$/g, ""), path])),
  external: /^[^./]/,
  platform: "node",
  output: { dir: "dist", format: "esm", sourcemap: true, chunkFileNames: "chunks/[name].js", minify: false },
};

export default config;
