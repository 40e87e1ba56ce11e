import { parentPort } from "node:worker_threads";
import { faultOf } from "./fault.ts";
import { type LogDatabase, openLogDatabase } from "./log-database.ts";
import type { LogFileOptions } from "./log-file.ts";
import type { CallKind, Calls, Request, Response } from "./worker-messages.ts";

// The thread that owns the log's file. It imports relative files and Node only, so that it needs no resolve condition.
const port = parentPort;
if (port === null) throw new Error("this file is a worker of the embedded store");

let options: LogFileOptions | null = null;
let database: LogDatabase | null = null;

port.on("message", (request: Request) => {
  let response: Response;
  try {
    response = { id: request.id, answer: answer(request) };
  } catch (error) {
    const fault = faultOf(error, options?.file ?? "the log");
    letGoAfter(fault.code);
    response = { id: request.id, fault };
  }
  port.postMessage(response);
  if (request.kind === "close") port.close();
});

function answer(request: Request): Calls[CallKind]["answer"] {
  const { kind, given } = request;
  if (kind === "open") {
    options = given;
    database = openLogDatabase(given);
    // From now on there must be this log: a file that went away is not made anew.
    options = { ...given, log: { id: database.logId }, wholeCheckBytesMax: null };
    return { logId: database.logId, checked: database.checked };
  }
  if (kind === "close") {
    database?.close();
    database = null;
    return null;
  }
  if (options === null) throw new Error("the log is opened before it is used");
  database ??= openLogDatabase(options);
  if (kind === "write") {
    const faults = database.write(given.writes, given.nowMs);
    for (const fault of faults) letGoAfter(fault?.code);
    return faults;
  }
  return look(database, request);
}

function look(
  from: LogDatabase,
  { kind, given }: Exclude<Request, { kind: "open" | "close" | "write" }>,
): Calls[CallKind]["answer"] {
  switch (kind) {
    case "read":
      return from.read(given.after, given.eventsMax);
    case "read-control":
      return from.readControl(given);
    case "read-places":
      return from.readPlaces(given);
    case "read-patch-minutes":
      return from.readPatchMinutes(given);
    case "checkpoints":
      return from.checkpoints();
    case "read-checkpoint":
      return from.readCheckpoint(given.sequence);
    case "prune":
      return from.prune(given.pruning, given.nowMs);
    case "measure":
      return from.measure();
    case "lines-with-content":
      return from.linesWithContent(given.dataset, given.contentHash);
    case "remembered":
      return from.remembered(given.key, given.nowMs);
    case "get-document":
      return from.getDocument(given.name);
    default:
      throw new Error(`a call that this worker does not know: ${String(kind satisfies never)}`);
  }
}

/** After a failure of the disk the file is opened anew: what SQLite still holds of it may not be what lies there. */
function letGoAfter(code: string | undefined): void {
  if (code !== "STORE_UNAVAILABLE" && code !== "CORRUPT") return;
  database?.close();
  database = null;
}
