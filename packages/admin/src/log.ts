import { type LoggedEvent, paths } from "@sluice/core";
import { loggedEventSchema } from "@sluice/core/api";
import { type Call, type Connection, parseAnswer, requestText } from "./connection.ts";

/** Which part of the log is wanted. Patches are not in it. */
export interface LogQuery {
  /** Events after this sequence number, the oldest first; without it the newest. */
  readonly after?: number;
  readonly dataset?: string;
  /** How many at most, 1 to 10,000. Default 1,000. */
  readonly limit?: number;
}

/** One page of the log, oldest first. */
export async function readLog(connection: Connection, { after, dataset, limit }: LogQuery): Promise<LoggedEvent[]> {
  const query = new URLSearchParams();
  if (after !== undefined) query.set("from", String(after));
  if (dataset !== undefined) query.set("dataset", dataset);
  if (limit !== undefined) query.set("limit", String(limit));
  const call: Call = { method: "GET", path: `${paths.log}${query.size === 0 ? "" : `?${query.toString()}`}` };
  const text = await requestText(connection, call);
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => parseAnswer(loggedEventSchema, call, line));
}
