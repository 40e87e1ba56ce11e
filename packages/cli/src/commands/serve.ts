import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { argument, parseWhole } from "../arguments.ts";
import { type Context, type LogLevel, logLevels } from "../context.ts";
import { runInstance } from "../run-instance.ts";
import { examples } from "./examples.ts";

interface ServeOptions {
  readonly data: string;
  readonly port: number;
  readonly host: string;
  readonly logLevel?: LogLevel;
}

/** `sluice serve --data DIR --port PORT` */
export function addServe(program: Command, context: Context): void {
  program
    .command("serve")
    .description("Run an instance that owns its data: log, versions, releases and the page, in one process.")
    .option("--data <directory>", "where the log and the versions are kept", ".sluice")
    .option("--port <port>", "the port to listen on; 0 takes a free one", argument(parseWhole(0, 65_535)), 7070)
    .option("--host <host>", "the address to listen on", "127.0.0.1")
    .addOption(logLevelOption())
    .addHelpText(
      "after",
      examples("sluice serve", "sluice serve --data /var/lib/sluice --port 7070", "sluice serve --log-level debug"),
    )
    .action(async ({ data, port, host, logLevel }: ServeOptions) => {
      const directory = resolve(data);
      await runInstance(context, `serves ${directory}`, () =>
        context.instances.serve({ directory, port, host, logLevel: logLevel ?? logLevelDefault(context) }),
      );
    });
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
