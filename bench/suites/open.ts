import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { SdkReaderSteps } from "../cases/sdk-reader.ts";
import { keyOf, priceOf } from "../data/items.ts";
import { median } from "../measure/statistics.ts";
import { installPacked } from "../processes/packed.ts";
import { durationText } from "../report/number.ts";
import { atMost, measuredRow, reported, type SuiteResult } from "../report/row.ts";
import type { Suite, SuiteContext } from "../suite.ts";

/** What a script of `packed/` prints. */
interface Printed {
  /** When it had its first value, on the machine's monotonic clock, in nanoseconds. */
  readonly at: number;
  readonly price: number;
  /** Every module that was asked for until then, and by whom. */
  readonly loaded: readonly { readonly url: string; readonly parent: string }[];
}

const lateModules = ["zod", "undici"];

/** Nanoseconds of each round. */
interface Starts {
  readonly bare: readonly number[];
  readonly opens: readonly number[];
  readonly parses: readonly number[];
  /** Of one more start, whose modules were listed. */
  readonly loaded: Printed["loaded"];
}

/** How long a process that was here before takes to its first read. */
export const openSuite: Suite = {
  name: "open",
  about: "process start to first read of the packed package, beside JSON.parse into a Map",
  async run(context) {
    const { stage, items, say } = context;
    const instance = await stage.instance();
    const cacheDirectory = stage.directory("cache");
    say("fills the cache directory");
    const reader = stage.cases.start<SdkReaderSteps>(new URL("../cases/sdk-reader.ts", import.meta.url));
    await reader.call("open", { url: instance.url, cacheDirectory, items });
    await reader.call("close", null);
    await reader.end();
    say("builds, packs and installs the packages");
    const directory = stage.directory("application");
    installPacked(directory);
    return resultOf(measure(context, directory, [instance.url, cacheDirectory]), items);
  },
};

function measure({ stage, items, quick, say }: SuiteContext, directory: string, sdk: readonly string[]): Starts {
  const rounds = quick ? 3 : 15;
  const parseRounds = quick ? 1 : 5;
  const index = Math.floor(items / 2);
  const key = keyOf(index);
  const { price } = priceOf(index, 0);
  const run = (script: string, args: readonly string[], flags: readonly string[] = []): Printed & { ns: number } => {
    const start = Number(process.hrtime.bigint());
    const command = [...flags, join(directory, script), ...args];
    const printed = JSON.parse(
      execFileSync(process.execPath, command, { cwd: directory, encoding: "utf8" }),
    ) as Printed;
    if (args.length > 0 && printed.price !== price) throw new Error(`${script} read ${printed.price}, not ${price}`);
    return { ...printed, ns: printed.at - start };
  };
  const [bare, opens, parses]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds; round++) {
    say(`round ${round + 1} of ${rounds}`);
    bare.push(run("bare-start.js", []).ns);
    opens.push(run("first-read.js", [...sdk, key]).ns);
    if (round < parseRounds) parses.push(run("parse-to-map.js", [stage.ndjson(), key]).ns);
  }
  const { loaded } = run("first-read.js", [...sdk, key], ["--import", join(directory, "list-loads.js")]);
  return { bare, opens, parses, loaded };
}

function resultOf({ bare, opens, parses, loaded }: Starts, items: number): SuiteResult {
  const early = lateModules.flatMap((name) => {
    const found = loaded.find(({ url, parent }) => isOf(url, name) && !isOf(parent, name));
    return found === undefined ? [] : [`${name} was loaded by ${chainOf(found.parent, loaded).join(" of ")}`];
  });
  const loads = early.length === 0 ? "neither zod nor undici was loaded" : early.join(", ");
  const bareNs = median(bare);
  const parseNs = median(parses) - bareNs;
  const openNs = opens.map((ns) => ns - bareNs);
  const modules = new Set(loaded.map(({ url }) => url)).size;
  const bars = [
    { label: "bare Node start", value: bareNs / 1e6, ours: false },
    { label: "SDK", value: median(opens) / 1e6, ours: true },
    { label: "JSON.parse into a Map", value: median(parses) / 1e6, ours: false },
  ];
  return {
    suite: "open",
    rows: [
      measuredRow({
        figure: "process start to first read, minus a bare Node start / JSON.parse into a Map",
        target: atMost(1 / 100, "1/100"),
        samples: openNs.map((ns) => ns / parseNs),
        detail: `${durationText(median(openNs))} / ${durationText(parseNs)}; ${loads}`,
        holds: early.length === 0,
      }),
      measuredRow({
        figure: "the same with Node's own start",
        target: reported,
        samples: opens.map((ns) => ns / 1e6),
        unit: "ms",
        detail: `of which a bare start ${durationText(bareNs)}`,
      }),
    ],
    charts: [{ name: "start", title: "Process start to first read", unit: "ms", bars }],
    notes: [
      `The packages are built, packed with npm, installed into an empty directory and run from there, ${opens.length} starts in turns with bare ones and, ${parses.length} times, with a parse of the same ` +
        `${items.toLocaleString("en")} items. The time runs from before the spawn to after the first value, on the machine's monotonic clock; page cache warm on all sides. ` +
        `On the way to the first read the SDK loads ${modules} modules, those of Node itself included.`,
    ],
  };
}

function isOf(url: string, name: string): boolean {
  return url.includes(`/node_modules/${name}/`);
}

/** A module, who asked for it first, who asked for that one, up to the first that was started. */
function chainOf(url: string, loaded: Printed["loaded"]): string[] {
  const chain: string[] = [];
  for (let at = url; at.includes("/node_modules/"); at = loaded.find((each) => each.url === at)?.parent ?? "") {
    chain.push(at.split("/node_modules/").at(-1) ?? at);
  }
  return chain;
}
