import type { Admin } from "@sluice/admin";
import { isSluiceError, sleep } from "@sluice/core";
import type { Receipt } from "@sluice/core/api";
import type { Context } from "./context.ts";
import { isSettled, receiptText } from "./render/receipt.ts";
import { padTo, widthOf } from "./text.ts";

/** How often a receipt is asked for, in milliseconds. */
const pollMs = 100;

/**
 * Asks for a receipt until everybody has confirmed, at most `waitMs`, and shows it counting up on a terminal's standard error.
 * The command itself is done: where the receipt cannot be asked for any more, the last one stands.
 */
export async function awaitReceipt(context: Context, admin: Admin, first: Receipt, waitMs: number): Promise<Receipt> {
  const { clock, io } = context;
  const endMs = clock.now() + waitMs;
  const shows = io.stderr.isTTY && !context.json;
  let receipt = first;
  let width = 0;
  const show = (text: string): void => {
    if (!shows) return;
    io.stderr.write(`\r${padTo(text, width)}`);
    width = widthOf(text);
  };
  while (!isSettled(receipt) && clock.now() < endMs) {
    show(receiptText(receipt));
    await sleep(clock, pollMs, { keepAlive: true });
    try {
      receipt = await admin.receipt(receipt.release, receipt.action);
    } catch (error) {
      if (!isSluiceError(error)) throw error;
      break;
    }
  }
  if (width > 0) io.stderr.write(`\r${" ".repeat(width)}\r`);
  return receipt;
}
