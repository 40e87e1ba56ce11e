import type { Actor, Command } from "@sluice/core";
import { own } from "@sluice/core";
import type { CommandAnswer, Receipt } from "@sluice/core/api";
import { actorHeader, idempotencyHeader } from "@sluice/core/api";
import type { Context } from "hono";
import type { BuiltCommand } from "../built-command.ts";
import type { Commands, Executed } from "../commands.ts";
import { holderText } from "../holder-text.ts";
import type { Once } from "./once.ts";

/** What is said of a command of which there is nothing more to say. */
const doneText = "done";

/** How long an answer waits for its receipt at most, in milliseconds. */
const receiptWaitMsMax = 30_000;

/** What the routes of commands need. */
export interface CommandRouteDependencies {
  readonly commands: Commands;
  readonly once: Once;
  readonly receipts: {
    get(release: string, action: Receipt["action"]): Receipt | undefined;
    settled(release: string, action: Receipt["action"], timeoutMs: number): Promise<Receipt | undefined>;
  };
  /** What of a dataset waits for a person after something of it was taken back, in a sentence; null where nothing does. */
  waiting(dataset: string): string | null;
}

/** Who gives the command: the name in the header, which nothing proves yet. */
export function actorOf(context: Context): Actor {
  const name = decodeName(context.req.header(actorHeader) ?? "");
  return { kind: "person", name: name === "" ? "unknown" : name.slice(0, 200) };
}

/** Names travel percent-encoded, since a header holds no Chinese. */
function decodeName(text: string): string {
  try {
    return decodeURIComponent(text).trim();
  } catch {
    return text.trim();
  }
}

/**
 * Carries out one command and answers it, once for each idempotency key.
 * With `?wait=MS` the answer waits for its receipt to be complete, at most that long.
 */
export async function answerCommand(
  context: Context,
  dependencies: CommandRouteDependencies,
  command: Command,
  action: Receipt["action"] | null,
): Promise<CommandAnswer> {
  const answer = await dependencies.once.run(
    context.req.header(idempotencyHeader),
    JSON.stringify(command, (key, value: unknown) => (key === "draw" ? undefined : value)),
    async (remember) => commandAnswer(await dependencies.commands.execute({ by: actorOf(context), command }, remember)),
    commandAnswer,
  );
  if (action === null || answer.release === null) return answer;
  const dataset =
    action === "revert" ? own(dependencies.commands.state().releases, answer.release)?.dataset : undefined;
  const said = dataset === undefined ? answer : withWaiting(answer, dependencies, dataset);
  const receipt = await receiptOf(context, dependencies, answer.release, action);
  return { ...said, receipt };
}

/** Whoever takes something back is told what is next to go out: nothing, before they say so. */
export function withWaiting<T extends CommandAnswer>(
  answer: T,
  { waiting }: Pick<CommandRouteDependencies, "waiting">,
  dataset: string,
): T {
  const text = waiting(dataset);
  if (text === null) return answer;
  return { ...answer, message: answer.message === doneText ? text : `${answer.message}; ${text}` };
}

/** What an executed command is answered with, before its receipt. */
export function commandAnswer({ decision, events, durable }: Executed): CommandAnswer {
  const last = events.at(-1);
  const unchanged = decision.kind === "unchanged" ? decision : undefined;
  const event = last?.event;
  return {
    outcome: unchanged === undefined || !durable ? "done" : "unchanged",
    message: unchanged?.message ?? nextHoldText(events) ?? doneText,
    sequence: last?.sequence ?? null,
    release: unchanged?.release ?? (event !== undefined && "release" in event ? event.release : null),
    receipt: null,
  };
}

/** Whoever ends a hold is told of the next one, which would be taken for the plan going on. */
function nextHoldText(events: Executed["events"]): string | undefined {
  const isEnded = events.some(({ event }) => event.type === "release-resumed" || event.type === "release-promoted");
  const next = events.at(-1);
  if (!isEnded || next?.event.type !== "release-held") return undefined;
  return `that hold has ended; held by ${holderText(next.by)} from now on: ${next.event.cause.reason}`;
}

/** For how long the answer may wait for its receipt, in milliseconds. */
export function waitMsOf(context: Context): number {
  return Math.max(0, Math.min(Number(context.req.query("wait") ?? 0) || 0, receiptWaitMsMax));
}

/** The receipt of what was done; with `?wait=MS` once it is complete, at most that late. */
export async function receiptOf(
  context: Context,
  { receipts }: Pick<CommandRouteDependencies, "receipts">,
  release: string,
  action: Receipt["action"],
): Promise<Receipt | null> {
  const waitMs = waitMsOf(context);
  const receipt = waitMs > 0 ? await receipts.settled(release, action, waitMs) : receipts.get(release, action);
  return receipt ?? null;
}

/** The built form of a command, where its facts depend on what stands before it in the log. */
export function built(context: Context, build: BuiltCommand["build"]): BuiltCommand {
  return { by: actorOf(context), build };
}

/** The release that the path names. Whether there is one is decided on what the log has, which this state may be behind of. */
export function releaseParameter(context: Context): string {
  return context.req.param("release") ?? "";
}
