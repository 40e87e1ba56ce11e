import { readFile } from "node:fs/promises";
import { SluiceError } from "@sluice/core";
import type { Context } from "./context.ts";

/** The environment variable with the token of alerts, for who takes them and for who sends them. */
export const alertsTokenVariable = "SLUICE_ALERTS_TOKEN";

/** The token to send alerts with: the first line of a file that has any, else the environment's. Throws VALIDATION. */
export async function readAlertsToken({ io }: Context, file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return io.env[alertsTokenVariable] || undefined;
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new SluiceError("VALIDATION", `cannot read the token in ${file} (${reason})`, { cause: error });
  });
  const token = text
    .split("\n")
    .map((line) => line.trim())
    .find((line) => line !== "");
  if (token === undefined) throw new SluiceError("VALIDATION", `${file} has no token`);
  return token;
}
