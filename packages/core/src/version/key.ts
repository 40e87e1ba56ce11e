import type { ErrorCode } from "../error.ts";
import { exceedsUtf8 } from "./utf8.ts";

/** The longest key by default, in UTF-8 bytes. */
export const keyBytesMaxDefault = 512;

/** The longest value by default, in UTF-8 bytes of its canonical text: 1 MiB. */
export const valueBytesMaxDefault: number = 1024 * 1024;

/** Why something may not be stored. */
export interface ItemFault {
  readonly code: Extract<ErrorCode, "INVALID_ITEM" | "LIMIT_EXCEEDED">;
  readonly reason: string;
}

/**
 * Why a string may not be a key, or undefined where it may: a key has 1 to `keyBytesMax` bytes in UTF-8, no control
 * characters (they break terminals, logs and headers) and no lone surrogates (they have no UTF-8).
 */
export function keyFault(key: string, keyBytesMax: number): ItemFault | undefined {
  if (key === "")
    return { code: "INVALID_ITEM", reason: "expected a key of at least one character, came an empty one" };
  if (exceedsUtf8(key, keyBytesMax)) {
    return { code: "LIMIT_EXCEEDED", reason: `expected a key of at most ${keyBytesMax} bytes, came a longer one` };
  }
  if (!key.isWellFormed()) {
    return { code: "INVALID_ITEM", reason: "expected a key of well-formed Unicode, came a lone surrogate" };
  }
  if (/\p{Cc}/u.test(key)) {
    return { code: "INVALID_ITEM", reason: "expected a key without control characters, came one with some" };
  }
  return undefined;
}

/** A key as messages show it: in quotes, cut where it is long. */
export function showKey(key: string): string {
  return JSON.stringify(clipKey(key));
}

/** A key cut to what a report can carry. */
export function clipKey(key: string): string {
  return key.length <= 200 ? key : `${key.slice(0, 200).toWellFormed()}…`;
}
