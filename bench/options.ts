import { parseArgs } from "node:util";

/** What the bench was asked for. */
export interface Options {
  /** Empty for all. */
  readonly suites: readonly string[];
  /** Where the figures go as JSON; null prints them alone. */
  readonly json: string | null;
  readonly items: number;
  readonly quick: boolean;
  readonly help: boolean;
}

const itemsDefault = 1_000_000;
const itemsQuick = 50_000;
const itemsMin = 10_000;

/** Reads the command line. Throws TypeError or RangeError with what to write instead. */
export function parseOptions(args: readonly string[], known: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: "string" },
      items: { type: "string" },
      quick: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new RangeError(`expected one of ${known.join(", ")}, came ${unknown.join(", ")}`);
  const items = values.items === undefined ? (values.quick ? itemsQuick : itemsDefault) : Number(values.items);
  if (!Number.isSafeInteger(items) || items < itemsMin) {
    throw new RangeError(`--items is a whole number from ${itemsMin}, came ${values.items}`);
  }
  return { suites: positionals, json: values.json ?? null, items, quick: values.quick, help: values.help };
}

/** What `--help` prints. */
export function helpText(suites: readonly { readonly name: string; readonly about: string }[]): string {
  const width = Math.max(...suites.map(({ name }) => name.length));
  return [
    "Usage: npm run bench -- [SUITE…] [--json FILE] [--items N] [--quick]",
    "",
    "Measures Sluice beside its peers and the limits of this machine, and writes docs/BENCHMARKS.md. Without a suite: all of them.",
    "",
    "Suites:",
    ...suites.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`),
    "",
    "Options:",
    `  --json FILE  also writes {"suite", "rows": [{"figure", "ratio", "target", "reached", …}]}; with several suites each row names its own`,
    `  --items N    items in the dataset, default ${itemsDefault.toLocaleString("en")}; docs are written for the default alone`,
    `  --quick      ${itemsQuick.toLocaleString("en")} items and few rounds, for trying; docs are not written`,
    "  -h, --help   this text",
    "",
    "A target that is missed is said so and is no failure: the exit code is 0 unless something could not be measured.",
    "SLUICE_REQUIRE_REDIS=1 makes a missing redis-server a failure; without it those rows are skipped.",
    "SLUICE_BENCH_PROFILE=DIR makes every process of Node write a profile of its processor time there; the figures are then no figures.",
    "",
  ].join("\n");
}
