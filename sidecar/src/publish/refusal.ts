import type { Actor, BytesOrigin, CheckReport } from "@sluice/core";
import { own, SluiceError } from "@sluice/core";
import type { PublishCommands } from "./port.ts";

/** How many bad items the answer to a refused upload names. */
const badItemsMax = 100;

/** Writes a refusal down in the log, once for the same bytes of a source, and returns the number that it was given. */
export async function recordRefusal(
  commands: PublishCommands,
  given: { readonly dataset: string; readonly by: Actor; readonly origin: BytesOrigin },
  error: SluiceError,
  findings: CheckReport["findings"] = [],
): Promise<number | null> {
  const { dataset, by, origin } = given;
  const { code, message } = error;
  const command = { type: "refuse-publish", dataset, code, message, findings, origin } as const;
  const { state } = await commands.execute({ by, command });
  return own(state.datasets, dataset)?.lastRefusal?.number ?? null;
}

/** The error for a version that its checks refuse: what they found, the first 100 bad items and how many there are. */
export function checkRefused(dataset: string, report: CheckReport): SluiceError {
  const refusing = report.findings.filter(({ action }) => action === "refuse");
  const problems = refusing.flatMap(({ examples }) => examples).slice(0, badItemsMax);
  const messages = refusing.map(({ message }) => message).join("; ");
  return new SluiceError("CHECK_REFUSED", `the checks of ${dataset} refuse this version: ${messages}; nobody saw it`, {
    details: { findings: report.findings, problems, total: report.badItemsTotal },
  });
}

/** The same error with the number under which people find it in the log. */
export function numbered(error: SluiceError, number: number | null): SluiceError {
  return number === null
    ? error
    : new SluiceError(error.code, error.message, { details: { ...error.details, number } });
}
