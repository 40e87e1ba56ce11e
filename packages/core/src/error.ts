/**
 * The closed set of error codes. Callers switch on the code, people read the message, logs keep the cause.
 * The number is the HTTP status with which the code crosses a wire as `application/problem+json`.
 */
const statusByCode = {
  INVALID_JSON: 400,
  INVALID_ITEM: 422,
  DUPLICATE_KEY: 422,
  LIMIT_EXCEEDED: 413,
  CORRUPT: 500,
  VALIDATION: 400,
  UNSUPPORTED_MEDIA_TYPE: 415,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  DATASET_UNKNOWN: 404,
  DATASET_EXISTS: 409,
  RELEASE_UNKNOWN: 404,
  SOURCE_UNKNOWN: 404,
  SOURCE_EXISTS: 409,
  SOURCE_FAILED: 502,
  KEY_UNKNOWN: 404,
  BLOB_UNKNOWN: 404,
  ROUTE_UNKNOWN: 404,
  VERSION_NONE: 409,
  PRUNED: 410,
  CONFLICT: 409,
  RELEASE_RUNNING: 409,
  RELEASE_ENDED: 409,
  RELEASE_BAKING: 409,
  NOTHING_HELD: 409,
  NOTHING_TO_REVERT: 409,
  CHOICE_NEEDED: 409,
  CHECK_REFUSED: 422,
  QUARANTINED: 409,
  QUARANTINED_CHANGES: 409,
  LINES_DIFFER: 409,
  IDEMPOTENCY_MISMATCH: 422,
  NOT_ORIGIN: 421,
  STORE_UNAVAILABLE: 503,
  DISK_FULL: 507,
  NOT_READY: 503,
  UNREACHABLE: 503,
  TIMEOUT: 504,
  PROTOCOL: 502,
  VIEW_EXPIRED: 409,
  VIEW_REVERTED: 409,
  ITEM_INVALID: 422,
  SCHEMA_ASYNC: 400,
  CLOSED: 409,
  INTERNAL: 500,
} as const;

/** One of the codes that an error of Sluice can carry. */
export type ErrorCode = keyof typeof statusByCode;

/** JSON-able facts that belong to an error: keys, paths, limits, what changed. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** The one error class of Sluice: a closed code, a message that says what was expected, what came and what to do, and details. */
export class SluiceError extends Error {
  override readonly name = "SluiceError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: { details?: ErrorDetails; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** Whether a string is one of the codes, for what comes over a wire. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(statusByCode, code);
}

/** The HTTP status with which a code is answered. */
export function statusOf(code: ErrorCode): number {
  return statusByCode[code];
}

/** Whether something thrown is an error of Sluice, with one of the given codes where any are given. */
export function isSluiceError(error: unknown, ...codes: readonly ErrorCode[]): error is SluiceError {
  return error instanceof SluiceError && (codes.length === 0 || codes.includes(error.code));
}

/** What something thrown says, an error or not. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
