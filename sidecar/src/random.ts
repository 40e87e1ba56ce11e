import { randomBytes, randomUUID } from "node:crypto";

/** An id that no other process has. */
export function createId(): string {
  return randomUUID();
}

/** 0 to below 1, from the system's source of randomness: a salt must not be guessed from the last one. */
export function systemRandom(): number {
  return randomBytes(4).readUInt32BE() / 0x1_0000_0000;
}
