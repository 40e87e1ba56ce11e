import { resolve } from "node:path";
import { SluiceError } from "@sluice/core";
import type { Command } from "commander";
import { argument, parseWhole } from "../arguments.ts";
import type { Context, LogLevel } from "../context.ts";
import { runInstance } from "../run-instance.ts";
import { examples } from "./examples.ts";
import { logLevelDefault, logLevelOption } from "./serve.ts";

interface SidecarOptions {
  readonly origin: string[];
  readonly data?: string;
  readonly port: number;
  readonly host: string;
  readonly name?: string;
  readonly logLevel?: LogLevel;
}

/** `sluice sidecar --origin URL[,URL] --port PORT` */
export function addSidecar(program: Command, context: Context): void {
  program
    .command("sidecar")
    .description(
      "Run an instance that follows another: it serves the applications of its host and keeps no log of its own.",
    )
    .requiredOption("--origin <urls>", "whom to follow; several with commas are tried in order", argument(parseOrigins))
    .option("--port <port>", "the port to listen on; 0 takes a free one", argument(parseWhole(0, 65_535)), 7070)
    .option("--host <host>", "the address to listen on", "127.0.0.1")
    .option(
      "--data <directory>",
      "where versions are kept over a restart; SDKs of this host may have the same directory as their cacheDirectory (default: in memory)",
    )
    .option("--name <name>", "what people know it by (default: the host's name)")
    .addOption(logLevelOption())
    .addHelpText(
      "after",
      examples(
        "sluice sidecar --origin http://origin:7070 --data /var/lib/sluice",
        "sluice sidecar --origin http://a:7070,http://b:7070 --port 7171",
      ),
    )
    .action(async ({ origin, data, port, host, name, logLevel }: SidecarOptions) => {
      await runInstance(context, `follows ${origin.join(", ")}`, () =>
        context.instances.follow({
          origins: origin,
          directory: data === undefined ? null : resolve(data),
          port,
          host,
          name: name ?? context.hostName(),
          logLevel: logLevel ?? logLevelDefault(context),
        }),
      );
    });
}

function parseOrigins(text: string): string[] {
  const urls = text.split(",").map((url) => url.trim());
  const wrong = urls.find((url) => !/^https?:$/.test(URL.parse(url)?.protocol ?? ""));
  if (wrong === undefined) return urls;
  throw new SluiceError("VALIDATION", `expected http: or https: URLs, came ${JSON.stringify(wrong)}`);
}
