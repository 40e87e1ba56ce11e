import { createHash } from "node:crypto";
import { SluiceError } from "@sluice/core";

const keyCharactersMax = 200;

/** What a command is told apart by from another one with the same key. Throws LIMIT_EXCEEDED for a key of more than 200 characters. */
export function fingerprintOf(key: string, what: string): string {
  if (key.length > keyCharactersMax) {
    throw new SluiceError("LIMIT_EXCEEDED", `an idempotency key has at most ${keyCharactersMax} characters`);
  }
  return createHash("sha256").update(what).digest("hex");
}

/** Throws IDEMPOTENCY_MISMATCH where a key came with another command before. */
export function refuseOther(key: string, known: string, fingerprint: string): void {
  if (known === fingerprint) return;
  throw new SluiceError("IDEMPOTENCY_MISMATCH", `the idempotency key ${key} came with another command before`);
}
