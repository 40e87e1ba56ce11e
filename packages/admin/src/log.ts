import { type LoggedEvent, paths } from "@sluice/core";
import { loggedEventSchema, type PatchMinute, patchMinuteSchema } from "@sluice/core/api";
import { type Call, type Connection, parseAnswer, requestText } from "./connection.ts";

/** Which part of the log is wanted. */
export interface LogQuery {
  /** Events after this sequence number, the oldest first; without it the newest. */
  readonly after?: number;
  readonly dataset?: string;
  /** How many at most, 1 to 10,000. Default 1,000. */
  readonly limit?: number;
}

/** One page of the log, oldest first. */
export async function readLog(connection: Connection, query: LogQuery): Promise<LoggedEvent[]> {
  const { call, lines } = await readLines(connection, query, {});
  return lines.map((line) => parseAnswer(loggedEventSchema, call, line));
}

/** What patches did, a line for each minute and dataset, oldest first. It stays when the patches have gone. */
export async function readPatchMinutes(connection: Connection, query: LogQuery): Promise<PatchMinute[]> {
  const { call, lines } = await readLines(connection, query, { shelf: "patches" });
  return lines.map((line) => parseAnswer(patchMinuteSchema, call, line));
}

async function readLines(
  connection: Connection,
  { after, dataset, limit }: LogQuery,
  more: Readonly<Record<string, string>>,
): Promise<{ call: Call; lines: string[] }> {
  const query = new URLSearchParams(more);
  if (after !== undefined) query.set("from", String(after));
  if (dataset !== undefined) query.set("dataset", dataset);
  if (limit !== undefined) query.set("limit", String(limit));
  const call: Call = { method: "GET", path: `${paths.log}${query.size === 0 ? "" : `?${query.toString()}`}` };
  const text = await requestText(connection, call);
  return { call, lines: text.split("\n").filter((line) => line !== "") };
}
