import type { DatabaseSync } from "node:sqlite";
import { type RememberedAnswer, rememberedMs } from "./port.ts";
import { text } from "./sql-values.ts";

/** Answers by idempotency key. Those to patches stand by themselves: they are many, and how many are kept has a limit. */
export interface AnswerTables {
  put(answers: readonly RememberedAnswer[], toPatches: boolean): void;
  get(key: string, nowMs: number): RememberedAnswer | null;
  /** Forgets answers to commands that are too old. */
  forget(nowMs: number): void;
}

/** Over the tables `answers` and `patch_answers`. */
export function createAnswerTables(database: DatabaseSync): AnswerTables {
  const put = database.prepare("INSERT OR REPLACE INTO answers (key, fingerprint, answer, at) VALUES (?, ?, ?, ?)");
  const putPatch = database.prepare(
    "INSERT OR REPLACE INTO patch_answers (key, fingerprint, answer, at) VALUES (?, ?, ?, ?)",
  );
  const get = database.prepare("SELECT fingerprint, answer, at FROM answers WHERE key = ? AND at > ?");
  const getPatch = database.prepare("SELECT fingerprint, answer, at FROM patch_answers WHERE key = ? AND at > ?");
  const forget = database.prepare("DELETE FROM answers WHERE at <= ?");

  return {
    put(answers, toPatches) {
      for (const { key, fingerprint, answer, at } of answers) {
        (toPatches ? putPatch : put).run(key, fingerprint, answer, at);
      }
    },
    get(key, nowMs) {
      const since = nowMs - rememberedMs;
      const found = [get.get(key, since), getPatch.get(key, since)].filter((row) => row !== undefined);
      // A key that was forgotten on one side may have been used again on the other.
      const row = found.reduce<(typeof found)[number] | undefined>(
        (newest, each) => (newest === undefined || Number(each["at"]) > Number(newest["at"]) ? each : newest),
        undefined,
      );
      if (row === undefined) return null;
      return { key, fingerprint: text(row["fingerprint"]), answer: text(row["answer"]), at: Number(row["at"]) };
    },
    forget: (nowMs) => void forget.run(nowMs - rememberedMs),
  };
}
