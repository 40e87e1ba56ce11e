import { createHash, timingSafeEqual } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { SluiceError } from "@sluice/core";
import type { Logger } from "pino";

/** Where tokens come from. */
export interface SecretSource {
  /** The tokens that hold now, the first to be used where one is sent. */
  read(): Promise<readonly string[]>;
}

/** A token that is given once. Throws VALIDATION where it cannot stand in a header. */
export function fixedSecret(token: string, what: string): SecretSource {
  const tokens = tokensOf(token, what);
  return { read: () => Promise.resolve(tokens) };
}

/**
 * Tokens in a file, a line each: two during a change, so that no alert is refused meanwhile. The file is read again when it has
 * changed; where it cannot be, or is empty, what it had last holds on, and the log says so.
 * Throws VALIDATION where it cannot be read now.
 */
export async function openSecretFile(path: string, logger: Logger): Promise<SecretSource> {
  let seen: BigIntStats | undefined;
  let tokens: readonly string[] = [];
  let complaint = "";

  async function readAgain(): Promise<void> {
    const now = await stat(path, { bigint: true });
    if (seen !== undefined && isSame(seen, now)) return;
    tokens = tokensOf(await readFile(path, "utf8"), path);
    seen = now;
    complaint = "";
  }

  await readAgain().catch((error: unknown) => {
    throw error instanceof SluiceError
      ? error
      : new SluiceError("VALIDATION", `cannot read the token in ${path} (${codeOf(error)})`, { cause: error });
  });
  return {
    async read() {
      try {
        await readAgain();
      } catch (error) {
        const said = error instanceof SluiceError ? error.message : codeOf(error);
        if (said !== complaint)
          logger.error({ file: path, reason: said }, "a token file cannot be read; what it had last holds on");
        complaint = said;
      }
      return tokens;
    },
  };
}

/** Whether what came is one of the tokens, in a time that does not say how much of it was right. */
export function isOneOf(tokens: readonly string[], came: string): boolean {
  const digest = digestOf(came);
  // All of them, whichever it is.
  return tokens.map((token) => timingSafeEqual(digestOf(token), digest)).includes(true);
}

function tokensOf(text: string, what: string): readonly string[] {
  const tokens = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (tokens.length === 0) throw new SluiceError("VALIDATION", `${what} has no token`);
  // A token that no header can carry would match nothing.
  if (!tokens.every((token) => /^[\x21-\x7e]+$/.test(token))) {
    throw new SluiceError("VALIDATION", `${what}: a token is of printable ASCII without spaces`);
  }
  return tokens;
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.mtimeNs === b.mtimeNs && a.size === b.size && a.ino === b.ino;
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
