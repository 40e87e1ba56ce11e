import { type Clock, heartbeatMs, type Timer } from "@sluice/core";

/** A process whose turns lie further apart than this stood still, in milliseconds: so much later a contact may be taken to be than it was. */
const stopMsMin = heartbeatMs;

/** Notices that this process stood still. */
export interface Stops {
  /** Looks once a second from here on. What was before is not looked at. */
  start(): void;
  /** To be called before what has waited for this process is taken. */
  look(): void;
  /** Looks no more until the next start. */
  pause(): void;
}

/** Calls `onStop` when this process was stopped or kept from its turns, with when that began and how long it took. */
export function watchStops(clock: Clock, onStop: (beganMs: number, tookMs: number) => void): Stops {
  let lookedMs = 0;
  let timer: Timer | undefined;

  const look = (): void => {
    const beganMs = lookedMs;
    lookedMs = clock.now();
    if (lookedMs - beganMs > stopMsMin) onStop(beganMs, lookedMs - beganMs);
  };

  const tick = (): void => {
    timer = clock.setTimer(stopMsMin / 2, () => {
      look();
      tick();
    });
  };

  return {
    start() {
      lookedMs = clock.now();
      tick();
    },
    look,
    pause: () => timer?.cancel(),
  };
}
