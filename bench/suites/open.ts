import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { SdkReaderSteps } from "../cases/sdk-reader.ts";
import { keyOf, priceOf } from "../data/items.ts";
import { median } from "../measure/statistics.ts";
import { installPacked } from "../processes/packed.ts";
import { durationText, numberText } from "../report/number.ts";
import { atMost, measuredRow, reported } from "../report/row.ts";
import type { Suite } from "../suite.ts";

/** What a script of `packed/` prints. */
interface Printed {
  /** When it had its first value, on the machine's monotonic clock, in nanoseconds. */
  readonly at: number;
  readonly price: number;
  /** Every module that was asked for until then, and by whom. */
  readonly loaded: readonly { readonly url: string; readonly parent: string }[];
}

const lateModules = ["zod", "undici"];

/** How long a process that was here before takes to its first read. */
export const openSuite: Suite = {
  name: "open",
  about: "process start to first read of the packed package, beside JSON.parse into a Map",
  async run({ stage, items, quick, say }) {
    const rounds = quick ? 3 : 15;
    const parseRounds = quick ? 1 : 5;
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

    const index = Math.floor(items / 2);
    const key = keyOf(index);
    const { price } = priceOf(index, 0);
    const run = (script: string, args: readonly string[], flags: readonly string[] = []): Printed & { ns: number } => {
      const start = Number(process.hrtime.bigint());
      const text = execFileSync(process.execPath, [...flags, join(directory, script), ...args], {
        cwd: directory,
        encoding: "utf8",
      });
      const printed = JSON.parse(text) as Printed;
      if (args.length > 0 && printed.price !== price) throw new Error(`${script} read ${printed.price}, not ${price}`);
      return { ...printed, ns: printed.at - start };
    };
    const sdkArgs = [instance.url, cacheDirectory, key];
    const bare: number[] = [];
    const opens: number[] = [];
    const parses: number[] = [];
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`);
      bare.push(run("bare-start.js", []).ns);
      opens.push(run("first-read.js", sdkArgs).ns);
      if (round < parseRounds) parses.push(run("parse-to-map.js", [stage.ndjson(), key]).ns);
    }
    const { loaded } = run("first-read.js", sdkArgs, ["--import", join(directory, "list-loads.js")]);
    const early = lateModules.flatMap((name) => {
      const found = loaded.find(({ url, parent }) => isOf(url, name) && !isOf(parent, name));
      return found === undefined ? [] : [`${name} was loaded by ${packedPath(found.parent)}`];
    });

    const bareNs = median(bare);
    const parseNs = median(parses) - bareNs;
    const openNs = opens.map((ns, round) => ns - (bare[round] ?? bareNs));
    const loads = early.length === 0 ? "neither zod nor undici was loaded" : early.join(", ");
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
          samples: opens.map((ns) => ns / 1_000_000),
          unit: "ms",
          detail: `of which a bare start ${durationText(bareNs)}`,
        }),
      ],
      charts: [
        {
          name: "start",
          title: "Process start to first read",
          unit: "ms",
          bars: [
            { label: "bare Node start", value: bareNs / 1_000_000, ours: false },
            { label: "SDK", value: median(opens) / 1_000_000, ours: true },
            { label: "JSON.parse into a Map", value: median(parses) / 1_000_000, ours: false },
          ],
        },
      ],
      notes: [
        `The packages are built, packed with npm, installed into an empty directory and run from there, ${rounds} starts in turns with bare ones and, ${parseRounds} times, with a parse of the same ` +
          `${items.toLocaleString("en")} items. The time runs from before the spawn to after the first value, on the machine's monotonic clock; page cache warm on all sides. ` +
          `On the way to the first read the SDK loads ${numberText(new Set(loaded.map(({ url }) => url)).size)} modules, those of Node itself included.`,
      ],
    };
  },
};

function isOf(url: string, name: string): boolean {
  return url.includes(`/node_modules/${name}/`);
}

function packedPath(url: string): string {
  return url.split("/node_modules/").at(-1) ?? url;
}
