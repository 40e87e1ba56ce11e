import type { ErrorCode, ErrorDetails } from "@sluice/core";

/** A failure as plain data: an error's class does not survive the way out of a worker. */
export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
}

/** Throws a fault up to the worker's edge. The worker loads nothing of another package, so it has no SluiceError. */
export class FaultError extends Error {
  override readonly name = "FaultError";
  readonly fault: Fault;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message);
    this.fault = { code, message, details };
  }
}

/** Primary result codes of SQLite, https://www.sqlite.org/rescode.html. */
const sqlite = {
  perm: 3,
  busy: 5,
  locked: 6,
  noMemory: 7,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  protocol: 15,
  notADatabase: 26,
} as const;

const unavailable: readonly number[] = [
  sqlite.perm,
  sqlite.noMemory,
  sqlite.readOnly,
  sqlite.ioError,
  sqlite.cannotOpen,
  sqlite.protocol,
];

/**
 * What an error that was thrown while working on a file means for a caller: DISK_FULL and STORE_UNAVAILABLE pass, CORRUPT
 * stays until a person acts, INTERNAL is a mistake in this program.
 */
export function faultOf(error: unknown, file: string): Fault {
  if (error instanceof FaultError) return error.fault;
  const message = error instanceof Error ? error.message : String(error);
  const result = numberIn(error, "errcode");
  if (result !== undefined) return sqliteFault(result, message, file);
  const code = codeIn(error);
  if (code === "ENOSPC" || code === "EDQUOT") return diskFull(file, { file });
  if (code !== undefined && /^E[A-Z]+$/.test(code)) {
    return { code: "STORE_UNAVAILABLE", message: `cannot use ${file}: ${message}`, details: { file } };
  }
  return { code: "INTERNAL", message, details: {} };
}

function sqliteFault(result: number, message: string, file: string): Fault {
  // The low byte is the primary code, the rest says where it happened.
  const primary = result & 0xff;
  const details = { file, sqlite: result };
  if (primary === sqlite.full) return diskFull(file, details);
  if (primary === sqlite.busy || primary === sqlite.locked) {
    return { code: "STORE_UNAVAILABLE", message: `another process has ${file} locked`, details };
  }
  if (unavailable.includes(primary)) {
    const isShut = primary === sqlite.cannotOpen || primary === sqlite.readOnly;
    const hint = isShut ? "; is its directory there, and may this process write to it?" : "";
    return { code: "STORE_UNAVAILABLE", message: `cannot use ${file}: ${message}${hint}`, details };
  }
  if (primary === sqlite.corrupt || primary === sqlite.notADatabase) {
    return corrupt(file, message, details);
  }
  return { code: "INTERNAL", message: `${file}: ${message}`, details };
}

function diskFull(file: string, details: ErrorDetails): Fault {
  return {
    code: "DISK_FULL",
    message: `no room left to write ${file}; free some, and give again what was refused`,
    details,
  };
}

/** A file that is not what was written. */
export function corrupt(file: string, what: string, details: ErrorDetails = { file }): Fault {
  return {
    code: "CORRUPT",
    message: `${file} is corrupt (${what}); move it away and put a backup in its place`,
    details,
  };
}

function numberIn(error: unknown, key: string): number | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const value: unknown = Reflect.get(error, key);
  return typeof value === "number" ? value : undefined;
}

function codeIn(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
