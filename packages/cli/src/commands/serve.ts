import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { argument, parseWhole } from "../arguments.ts";
import { parseByteSize } from "../byte-size.ts";
import { type Context, type LogLevel, logLevels } from "../context.ts";
import { parseDuration } from "../duration.ts";
import { runInstance } from "../run-instance.ts";
import { examples } from "./examples.ts";

interface ServeOptions {
  readonly data: string;
  readonly port: number;
  readonly host: string;
  readonly logLevel?: LogLevel;
  readonly keepPatches: number;
  readonly keepPatchesBytes: number;
  readonly keepVersions: number;
}

/** `sluice serve --data DIR --port PORT` */
export function addServe(program: Command, context: Context): void {
  program
    .command("serve")
    .description("Run an instance that owns its data: log, versions, releases and the page, in one process.")
    .option("--data <directory>", "where the log and the versions are kept", ".sluice")
    .option("--port <port>", "the port to listen on; 0 takes a free one", argument(parseWhole(0, 65_535)), 7070)
    .option("--host <host>", "the address to listen on", "127.0.0.1")
    .addOption(kept("--keep-patches <time>", "how long patches stay in the log one by one", "1d", parseDuration))
    .addOption(kept("--keep-patches-bytes <size>", "how much of them at most", "1GiB", parseByteSize))
    .addOption(kept("--keep-versions <time>", "how long the files of published versions stay", "1d", parseDuration))
    .addOption(logLevelOption())
    .addHelpText(
      "after",
      examples(
        "sluice serve",
        "sluice serve --data /var/lib/sluice --port 7070",
        "sluice serve --keep-patches 2h --keep-versions 7d",
      ),
    )
    .action(async (options: ServeOptions) => {
      const { data, port, host, logLevel } = options;
      const directory = resolve(data);
      const retention = {
        keepPatchesMs: options.keepPatches,
        keepPatchesBytesMax: options.keepPatchesBytes,
        keepVersionsMs: options.keepVersions,
      };
      await runInstance(context, `serves ${directory}`, () =>
        context.instances.serve({
          directory,
          port,
          host,
          logLevel: logLevel ?? logLevelDefault(context),
          retention,
        }),
      );
    });
}

/** An option whose default is written as people write it. */
function kept(flags: string, what: string, standard: string, parse: (text: string) => number): Option {
  return new Option(flags, what).argParser(argument(parse)).default(parse(standard), standard);
}

/** The option that both kinds of instance have. */
export function logLevelOption(): Option {
  return new Option("--log-level <level>", "what to log (default: warn on a terminal, info elsewhere)").choices([
    ...logLevels,
  ]);
}

/** A person at a terminal reads one line; a service's log reads everything. */
export function logLevelDefault({ io }: Context): LogLevel {
  return io.stdout.isTTY ? "warn" : "info";
}
