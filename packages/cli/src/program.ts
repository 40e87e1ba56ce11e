import { Command, CommanderError } from "commander";
import { addAlerts } from "./commands/alerts.ts";
import { addDataset } from "./commands/dataset.ts";
import { addGuard } from "./commands/guard.ts";
import { addLift } from "./commands/here.ts";
import { addLog } from "./commands/log.ts";
import { addPatch } from "./commands/patch.ts";
import { addPlan } from "./commands/plan.ts";
import { addPublish } from "./commands/publish.ts";
import { addQuarantine } from "./commands/quarantine.ts";
import { addRead } from "./commands/read.ts";
import { addRelease } from "./commands/release.ts";
import { addRevert } from "./commands/revert.ts";
import { addServe } from "./commands/serve.ts";
import { addSidecar } from "./commands/sidecar.ts";
import { addSource } from "./commands/source.ts";
import { addStatus } from "./commands/status.ts";
import { type Context, createContext, type Dependencies, type GlobalOptions } from "./context.ts";
import { errorJson, errorLines } from "./error-text.ts";
import { type ExitCode, exitCodeHelp, exitCodeOf, exitCodes } from "./exit-code.ts";
import { cleaned, jsonText } from "./text.ts";

/** The command line, apart from the process that it runs in. */
export interface Program {
  /** Runs the command that the arguments name (without `node` and the script) and gives the exit code. Never throws. */
  run(argv: readonly string[]): Promise<number>;
}

const environmentHelp = `Environment:
  SLUICE_URL           the instance that commands go to (default http://127.0.0.1:7070)
  SLUICE_ACTOR         the name that commands are recorded under (default: your user name)
  SLUICE_ALERTS_TOKEN  the token that alerts come with, for serve and for alerts test
  SLUICE_DEBUG         show stack traces, as --debug does
  NO_COLOR             no colours`;

/** Makes the command line over a process, a clock and a client. */
export function createProgram(dependencies: Dependencies): Program {
  return {
    async run(argv) {
      let exitCode: ExitCode = exitCodes.done;
      const root = new Command("sluice");
      const context = createContext(
        dependencies,
        () => root.opts<GlobalOptions>(),
        (code) => {
          exitCode = code;
        },
      );
      defineRoot(root, context);
      try {
        await root.parseAsync([...argv], { from: "user" });
        return exitCode;
      } catch (error) {
        return report(error, context, argv.includes("--json"));
      }
    },
  };
}

function defineRoot(root: Command, context: Context): void {
  const { stdout, stderr } = context.io;
  root
    .description("Publish versioned data to a running shop, show it to a growing share of users, take it back at once.")
    .version(context.version, "-V, --version", "print the version")
    .option("--url <url>", "the instance that the command goes to (default: SLUICE_URL, else http://127.0.0.1:7070)")
    .option("--json", "one JSON document on standard output; a line an event with --watch and --follow")
    .option("--debug", "show the stack trace of an error")
    .configureHelp({ showGlobalOptions: true, subcommandTerm: termOf })
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => write(cleaned(text.trimEnd()).replaceAll("\\u000a", "\n").concat("\n")),
      getOutHelpWidth: () => stdout.columns,
      getErrHelpWidth: () => stderr.columns,
      getOutHasColors: () => context.style.isColorSupported,
      getErrHasColors: () => false,
    })
    .showHelpAfterError("(--help shows how it is used)")
    .exitOverride()
    .addHelpText(
      "after",
      `
Examples:
  $ sluice serve --data .sluice --port 7070
  $ sluice dataset create prices --template prices
  $ sluice publish prices prices.ndjson
  $ sluice release start prices --percent 5
  $ sluice status --watch
  $ sluice revert prices

${environmentHelp}

${exitCodeHelp}`,
    )
    .addHelpText("afterAll", ({ command }) =>
      command === root ? "" : "\nExit codes and environment variables: sluice --help",
    );
  root.commandsGroup("Releases:");
  addStatus(root, context);
  addPublish(root, context);
  addPatch(root, context);
  addRelease(root, context);
  addRevert(root, context);
  addLift(root, context);
  addGuard(root, context);
  addQuarantine(root, context);
  addLog(root, context);
  addRead(root, context);
  addAlerts(root, context);
  root.commandsGroup("Set-up:");
  addDataset(root, context);
  addSource(root, context);
  addPlan(root, context);
  root.commandsGroup("Instances:");
  addServe(root, context);
  addSidecar(root, context);
}

/** A command in a list of commands: its arguments, but not that it has options, which every one has. */
function termOf(command: Command): string {
  const names = command.registeredArguments.map((each) => (each.required ? `<${each.name()}>` : `[${each.name()}]`));
  return [command.name(), ...names].join(" ");
}

function report(error: unknown, context: Context, json: boolean): number {
  const { stdout, stderr } = context.io;
  if (error instanceof CommanderError) {
    // What is wrong was written already; asking for help or the version is no error.
    if (error.exitCode === 0) return exitCodes.done;
    // Its help stands on standard error then.
    const message = error.code === "commander.help" ? "a command is missing; --help lists them" : error.message;
    if (json) writeErrorJson(context, { code: "USAGE", message, details: {} }, exitCodes.usage);
    return exitCodes.usage;
  }
  const code = exitCodeOf(error);
  if (json) writeErrorJson(context, errorJson(error), code);
  const lines = errorLines(error, context.urlArgument(context.url));
  const [first = "", ...rest] = lines;
  stderr.write(`${stderr.isTTY && stdout.isTTY ? context.style.red(first) : first}\n`);
  if (!json) for (const line of rest) stderr.write(`${line}\n`);
  if (context.debug && error instanceof Error) stderr.write(`${stackOf(error)}\n`);
  return code;
}

function writeErrorJson(
  { io }: Context,
  error: { code: string; message: string; details: object },
  exitCode: ExitCode,
): void {
  io.stdout.write(`${jsonText({ error, exitCode }, io.stdout.isTTY ? 2 : 0)}\n`);
}

function stackOf(error: Error): string {
  const stack = (error.stack ?? "")
    .split("\n")
    .map((line) => cleaned(line))
    .join("\n");
  return error.cause instanceof Error ? `${stack}\ncaused by ${stackOf(error.cause)}` : stack;
}
