import type { Admin } from "@sluice/admin";
import { isSluiceError } from "@sluice/core";
import type { CommandAnswer, DatasetStatus } from "@sluice/core/api";
import type { Context } from "../context.ts";
import { awaitReceipt } from "../receipt.ts";
import { placeHere } from "../place.ts";
import { datasetOf } from "../release-of.ts";
import type { View } from "../render/layout.ts";
import { receiptText, receiptWarnings } from "../render/receipt.ts";
import { renderDataset } from "../render/status.ts";

/** How a dataset stands after a command. */
export interface After {
  readonly dataset: DatasetStatus;
  /** The instance's time. */
  readonly at: number;
}

/**
 * Prints what came of a release's command: what was done, what that leads to, who has taken it up within `waitMs` (null where nobody
 * has to), and how the dataset stands now.
 */
export async function finish(
  context: Context,
  admin: Admin,
  name: string,
  answer: CommandAnswer,
  head: string,
  waitMs: number | null,
  consequence: (after: After, view: View) => readonly string[] = () => [],
): Promise<void> {
  const receipt =
    answer.receipt === null || waitMs === null
      ? answer.receipt
      : await awaitReceipt(context, admin, answer.receipt, waitMs);
  const after = await look(admin, name);
  const { io, style, timeZone } = context;
  context.print({ ...answer, receipt, after }, (shown) => {
    const lines = [shown.outcome === "done" ? head : `nothing to do: ${shown.message}`];
    if (shown.receipt !== null && waitMs !== null) {
      lines.push(receiptText(shown.receipt), ...receiptWarnings(shown.receipt).map((text) => style.yellow(text)));
    }
    if (shown.after === undefined) return lines;
    const view = { columns: io.stdout.columns, style, nowMs: shown.after.at, timeZone, place: placeHere(context) };
    if (shown.outcome === "done") lines.push(...consequence(shown.after, view));
    return [...lines, "", ...renderDataset(shown.after.dataset, view)];
  });
}

/** How the dataset stands; the command is done whether that can be seen or not. */
async function look(admin: Admin, name: string): Promise<After | undefined> {
  try {
    const status = await admin.status();
    return { dataset: datasetOf(status, name), at: status.at };
  } catch (error) {
    if (isSluiceError(error)) return undefined;
    throw error;
  }
}
