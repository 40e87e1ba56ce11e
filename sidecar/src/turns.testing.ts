import { MessageChannel } from "node:worker_threads";
import type { VirtualClock } from "@sluice/core";

/** One turn of the event loop: promises, ticks and finished I/O have run. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.once("message", () => {
      port1.close();
      resolve();
    });
    port2.postMessage(null);
  });
}

/** Lets everything run that waits for no timer. */
export async function settle(): Promise<void> {
  for (let turns = 0; turns < 6; turns++) await turn();
}

/** Moves a clock on timer by timer, and lets everything run that each of them set off. */
export async function pass(clock: VirtualClock, durationMs: number): Promise<void> {
  const endMs = clock.now() + durationMs;
  await settle();
  for (let next = clock.nextInMs(); next !== undefined && clock.now() + next <= endMs; next = clock.nextInMs()) {
    clock.advance(next);
    await settle();
  }
  clock.advance(endMs - clock.now());
  await settle();
}
