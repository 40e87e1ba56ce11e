import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { SluiceError } from "@sluice/core";
import type { Logger } from "pino";
import { errorOf } from "../thread-calls.ts";
import { faultOf } from "./fault.ts";

/** The right to write a directory. */
export interface DirectoryLock {
  release(): void;
}

/**
 * Takes a directory for this process: an exclusive transaction on the file `lock`, which the system takes back when the process
 * ends in whatever way. Not for network file systems, where such locks are not reliable.
 * Throws STORE_UNAVAILABLE, with `pid` and `host` of the holder in the details, where another store has it.
 */
export function lockDirectory(directory: string, logger: Pick<Logger, "warn"> | null): DirectoryLock {
  const file = join(directory, "lock");
  const ownerFile = join(directory, "owner.json");
  const database = openLock(file);
  try {
    // The journal would be one more file that a kill leaves.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    throw lockError(error, file, directory, ownerFile);
  }
  // For people; the lock is what counts, and the lock's own file cannot be read while it is held.
  try {
    const draft = `${ownerFile}.new`;
    writeFileSync(draft, JSON.stringify({ pid: process.pid, host: hostname() }));
    renameSync(draft, ownerFile);
  } catch (error) {
    logger?.warn({ err: error, file: ownerFile }, "could not write down who holds the directory");
  }
  return { release: () => database.close() };
}

function openLock(file: string): DatabaseSync {
  try {
    return new DatabaseSync(file);
  } catch (error) {
    throw errorOf(faultOf(error, file));
  }
}

function lockError(error: unknown, file: string, directory: string, ownerFile: string): SluiceError {
  const fault = faultOf(error, file);
  const locked = fault.code === "STORE_UNAVAILABLE" && Number(fault.details["sqlite"]) % 256 === 5;
  if (!locked) return errorOf(fault);
  const { pid, host } = readOwner(ownerFile);
  const holder = pid === null ? "another process" : `process ${pid} on ${host ?? "this host"}`;
  return new SluiceError("STORE_UNAVAILABLE", `${holder} holds ${directory}; stop it, or take another directory`, {
    details: { directory, pid, host },
  });
}

function readOwner(ownerFile: string): { pid: number | null; host: string | null } {
  let owner: unknown;
  try {
    owner = JSON.parse(readFileSync(ownerFile, "utf8"));
  } catch {
    // The holder has not written it yet, or could not: the message does without.
    return { pid: null, host: null };
  }
  const { pid, host } = { pid: null, host: null, ...(typeof owner === "object" ? owner : {}) };
  return { pid: typeof pid === "number" ? pid : null, host: typeof host === "string" ? host : null };
}
