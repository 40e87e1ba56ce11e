import { parseArgs } from "node:util";
import { defaultGuardConfig } from "@sluice/core";
import type { Setting } from "./experiment.ts";

/** What the command was asked for. */
export interface Options {
  readonly setting: Setting;
  readonly seed: number;
  readonly rows: readonly string[];
  readonly json: boolean;
  readonly write: boolean;
  readonly threads: number | null;
  readonly help: boolean;
}

/** The seed of the tables in docs/GUARD.md. */
export const seedDefault = 1_111;

/** Reads the command line and `SLUICE_SEED`. Throws TypeError or RangeError with what to write instead. */
export function parseOptions(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string" },
      quick: { type: "boolean", default: false },
      rows: { type: "string", multiple: true, default: [] },
      json: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      threads: { type: "string" },
      alpha: { type: "string" },
      raw: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const seed = Number(values.seed ?? env["SLUICE_SEED"] ?? seedDefault);
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`--seed and SLUICE_SEED are a whole number from 0, came ${values.seed ?? env["SLUICE_SEED"]}`);
  }
  const threads = values.threads === undefined ? null : Number(values.threads);
  if (threads !== null && !(Number.isSafeInteger(threads) && threads >= 0)) {
    throw new RangeError(`--threads is a whole number from 0, came ${values.threads}`);
  }
  const alpha = values.alpha === undefined ? defaultGuardConfig.alpha : Number(values.alpha);
  if (!(alpha > 0 && alpha <= 0.5)) throw new RangeError(`--alpha is above 0 and at most 0.5, came ${values.alpha}`);
  const isDefault = !values.quick && !values.raw && alpha === defaultGuardConfig.alpha;
  if (values.write && !isDefault) {
    throw new RangeError("docs are written for the guard as it ships and the full number of runs alone");
  }
  return {
    setting: {
      config: { ...defaultGuardConfig, alpha },
      counting: values.raw ? "raw" : "distinct",
      quick: values.quick,
    },
    seed,
    rows: values.rows,
    json: values.json,
    write: values.write,
    threads,
    help: values.help,
  };
}

/** What `--help` prints. */
export function helpText(sections: readonly { readonly name: string; readonly title: string }[]): string {
  const width = Math.max(...sections.map(({ name }) => name.length));
  return [
    "Usage: npm run guard:simulate -- [--rows TEXT]… [--seed N] [--quick] [--json] [--write]",
    "",
    "Plays releases, good and bad ones, with the guard's own code and beside it a fixed window and two z-tests, and says which of the",
    "promised figures hold. The last line counts them; the exit code is 1 where one does not hold.",
    "",
    "Rows:",
    ...sections.map(({ name, title }) => `  ${name.padEnd(width)}  ${title}`),
    "",
    "Options:",
    "  --rows TEXT    only rows whose name (section/row) has this in it; may be given several times",
    `  --seed N       default SLUICE_SEED or ${seedDefault}; the same seed gives the same figures, on any number of threads`,
    "  --quick        a fraction of the runs; a row then holds unless its runs refute the bound",
    "  --json         rows as JSON on standard output",
    "  --write        also writes tables and charts into docs/GUARD.md; with --rows only the sections that are whole",
    "  --threads N    default: as many as there are cores; 0 plays in the main thread",
    "  --alpha A      another chance of a false revert for the comparison, to see rows fail",
    "  --raw          the guard is told every single failure and no units, to see rows fail",
    "  -h, --help     this text",
    "",
  ].join("\n");
}
