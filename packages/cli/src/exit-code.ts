import { type ErrorCode, isSluiceError } from "@sluice/core";

/** What a process of `sluice` ends with; scripts rely on these. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  nothingToRevert: 3,
  conflict: 4,
  unavailable: 5,
  refused: 6,
} as const;

/** One of the exit codes. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const codes: Partial<Record<ErrorCode, ExitCode>> = {
  VALIDATION: exitCodes.usage,
  NOTHING_TO_REVERT: exitCodes.nothingToRevert,
  // Nothing was reverted: somebody has to say what becomes of the patches since.
  CHOICE_NEEDED: exitCodes.nothingToRevert,
  CONFLICT: exitCodes.conflict,
  // It ran when this command looked, and somebody ended it since.
  RELEASE_ENDED: exitCodes.conflict,
  UNREACHABLE: exitCodes.unavailable,
  TIMEOUT: exitCodes.unavailable,
  NOT_READY: exitCodes.unavailable,
  STORE_UNAVAILABLE: exitCodes.unavailable,
  CHECK_REFUSED: exitCodes.refused,
  QUARANTINED: exitCodes.refused,
  QUARANTINED_CHANGES: exitCodes.refused,
};

/** The exit code that an error means. */
export function exitCodeOf(error: unknown): ExitCode {
  return isSluiceError(error) ? (codes[error.code] ?? exitCodes.failed) : exitCodes.failed;
}

/** The exit codes as `--help` lists them. */
export const exitCodeHelp = `Exit codes:
  0  done, though not every follower may have confirmed: with --json see receipt.confirmed, expected and durable
  1  failed or refused
  2  usage: the command, an option or an argument is wrong
  3  nothing was reverted or lifted: nothing runs or bakes, it is reverted on another host, or --to waits for --reapply or --exact
  4  conflict: somebody else changed it, look again
  5  no instance answers, or it is not ready
  6  refused by a check or by the quarantine`;
