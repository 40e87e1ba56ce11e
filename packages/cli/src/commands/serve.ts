import { resolve } from "node:path";
import { SluiceError } from "@sluice/core";
import { type Command, Option } from "commander";
import { alertsTokenVariable } from "../alerts-token.ts";
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
  readonly alertsTokenFile?: string;
  readonly prometheus?: string;
  readonly prometheusInterval: number;
  readonly prometheusTokenFile?: string;
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
    .option("--alerts-token-file <file>", "take alerts only with a token of this file (else of SLUICE_ALERTS_TOKEN)")
    .option("--prometheus <url>", "ask this Prometheus for the queries of plans")
    .addOption(kept("--prometheus-interval <time>", "how often each query is asked", "5s", parseInterval))
    .option("--prometheus-token-file <file>", "ask it with the token of this file")
    .addOption(logLevelOption())
    .addHelpText(
      "after",
      examples(
        "sluice serve",
        "sluice serve --data /var/lib/sluice --port 7070",
        "sluice serve --keep-patches 2h --keep-versions 7d",
        "sluice serve --prometheus http://127.0.0.1:9090 --alerts-token-file /etc/sluice/alerts.token",
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
      const signals = { alertsToken: alertsTokenOf(context, options), prometheus: prometheusOf(options) };
      await runInstance(context, `serves ${directory}`, () =>
        context.instances.serve({
          directory,
          port,
          host,
          logLevel: logLevel ?? logLevelDefault(context),
          retention,
          ...signals,
        }),
      );
    });
}

/** Throws VALIDATION where the token is given in two places: one of them would be ignored without a word. */
function alertsTokenOf(
  { io }: Context,
  { alertsTokenFile }: ServeOptions,
): { file: string } | { token: string } | null {
  const token = io.env[alertsTokenVariable] ?? "";
  if (alertsTokenFile !== undefined && token !== "") {
    throw new SluiceError("VALIDATION", `--alerts-token-file and ${alertsTokenVariable} are both given; give one`);
  }
  if (alertsTokenFile !== undefined) return { file: resolve(alertsTokenFile) };
  return token === "" ? null : { token };
}

function prometheusOf({
  prometheus,
  prometheusInterval,
  prometheusTokenFile,
}: ServeOptions): { url: string; intervalMs: number; tokenFile: string | null } | null {
  if (prometheus === undefined) return null;
  const tokenFile = prometheusTokenFile === undefined ? null : resolve(prometheusTokenFile);
  return { url: parsePrometheusUrl(prometheus), intervalMs: prometheusInterval, tokenFile };
}

/** Here and not as an argument is read, whose errors show what came: somebody's password. */
function parsePrometheusUrl(text: string): string {
  const url = URL.parse(text);
  const isUsable = url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
  if (isUsable && url.search === "" && url.hash === "") return url.href;
  throw new SluiceError(
    "VALIDATION",
    `expected an http: or https: URL without a name and a password in it (--prometheus-token-file has the token), came ${JSON.stringify(text.replace(/\/\/[^/]*@/, "//…@"))}`,
  );
}

function parseInterval(text: string): number {
  const intervalMs = parseDuration(text);
  if (intervalMs >= 250 && intervalMs <= 300_000) return intervalMs;
  throw new SluiceError("VALIDATION", `expected a time from 250ms to 5m, came ${text}`);
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
