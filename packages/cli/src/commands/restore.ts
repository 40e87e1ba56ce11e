import type { CommandAnswer, RestoreAnswer, RestoreTarget } from "@sluice/core/api";
import type { Context } from "../context.ts";
import { sent } from "../error-text.ts";
import { awaitReceipt } from "../receipt.ts";
import { nameOfRelease } from "../render/event.ts";
import { receiptText, receiptWarnings } from "../render/receipt.ts";
import { droppedText } from "../render/restored.ts";

/** What `revert --to` is asked with. */
export interface RestoreOptions {
  readonly to: RestoreTarget;
  readonly reapply?: boolean;
  readonly exact?: boolean;
  readonly reason?: string;
  readonly wait: number;
}

/** Brings an older version back and says what that dropped and who has it. */
export async function restore(context: Context, dataset: string, options: RestoreOptions): Promise<void> {
  const { to, reapply, exact, reason, wait } = options;
  const mode = reapply === true ? "reapply" : exact === true ? "exact" : null;
  const admin = await context.admin();
  const answer = await admin.restore(dataset, { to, mode, ...(reason === undefined ? {} : { reason }) });
  const receipt = answer.receipt === null ? null : await awaitReceipt(context, admin, answer.receipt, wait);
  context.print({ ...answer, receipt }, (shown) => linesOf(context, dataset, shown));
}

function linesOf({ style, url, urlArgument }: Context, dataset: string, answer: RestoreAnswer): string[] {
  const { receipt } = answer;
  const look = style.dim(`  sluice status ${dataset}${urlArgument(url)}`);
  const head = headOf(dataset, answer);
  const next = nextLines(answer).map((text) => style.yellow(sent(text, urlArgument(url))));
  if (receipt === null) return [head, ...next, look];
  const warnings = receiptWarnings(receipt).map((text) => style.yellow(text));
  return [head, receiptText(receipt), ...warnings, ...next, look];
}

/** What the instance says beside that it is done: what waits for a person now. That it is not in the log yet the receipt says. */
export function nextLines({ outcome, message, sequence }: CommandAnswer): readonly string[] {
  return outcome === "done" && message !== "done" && sequence !== null ? [message] : [];
}

function headOf(dataset: string, { outcome, message, release, restored }: RestoreAnswer): string {
  if (outcome === "unchanged") return message;
  const reverted = release === null ? null : nameOfRelease(release).version;
  if (restored === null) return `${reverted ?? dataset} of ${dataset} is reverted: everybody is on the stable version`;
  const { version, number, mode, dropped } = restored;
  const how = mode === "exact" ? "as it was" : "with the patches since";
  const also = reverted === null ? "" : `, and ${reverted} is reverted`;
  return `v${version} of ${dataset} is back ${how}, as v${number}${also}: ${droppedText(dropped)}`;
}
