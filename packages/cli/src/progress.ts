import type { UploadProgress } from "@sluice/admin";
import type { Clock } from "@sluice/core";
import type { Output } from "./context.ts";
import { durationText } from "./duration.ts";
import { bytesText, padTo, widthOf } from "./text.ts";

/** Shows how far an upload is. */
export interface Progress {
  update(progress: UploadProgress): void;
  /** Wipes what is being redrawn; to be called before anything else is written. */
  end(): void;
}

const redrawMs = 100;
const lineMs = 5_000;

/** Progress on standard error: one line redrawn in place on a terminal, elsewhere a line every five seconds. */
export function createProgress(output: Output, clock: Clock, bytesTotal: number | null): Progress {
  return output.isTTY ? createRedrawn(output, clock, bytesTotal) : createLines(output, clock, bytesTotal);
}

function createRedrawn(output: Output, clock: Clock, bytesTotal: number | null): Progress {
  const startMs = clock.now();
  let drawnMs = Number.NEGATIVE_INFINITY;
  let drawnWidth = 0;
  let checkingSinceMs = startMs;
  let timer = { cancel(): void {} };
  const draw = (text: string): void => {
    output.write(`\r${padTo(text, drawnWidth)}`);
    drawnWidth = widthOf(text);
    drawnMs = clock.now();
  };
  const drawChecking = (): void => {
    const seconds = Math.round((clock.now() - checkingSinceMs) / 1_000);
    draw(`checking… ${durationText(seconds * 1_000)}`);
    timer = clock.setTimer(1_000, drawChecking);
  };
  return {
    update({ bytesSent, done }) {
      if (done) {
        checkingSinceMs = clock.now();
        draw("checking…");
        timer = clock.setTimer(1_000, drawChecking);
      } else if (clock.now() - drawnMs >= redrawMs) {
        draw(progressText(bytesSent, bytesTotal, clock.now() - startMs));
      }
    },
    end() {
      timer.cancel();
      if (drawnWidth > 0) output.write(`\r${" ".repeat(drawnWidth)}\r`);
      drawnWidth = 0;
    },
  };
}

function createLines(output: Output, clock: Clock, bytesTotal: number | null): Progress {
  const startMs = clock.now();
  let writtenMs = startMs;
  let written = false;
  return {
    update({ bytesSent, done }) {
      const nowMs = clock.now();
      // What is quick needs no lines.
      if (!done && nowMs - writtenMs < lineMs) return;
      if (done && !written) return;
      output.write(`${progressText(bytesSent, bytesTotal, nowMs - startMs)}${done ? ", checking…" : ""}\n`);
      writtenMs = nowMs;
      written = true;
    },
    end() {},
  };
}

function progressText(bytesSent: number, bytesTotal: number | null, elapsedMs: number): string {
  const of = bytesTotal === null ? "" : ` of ${bytesText(bytesTotal)} (${percentOf(bytesSent, bytesTotal)} %)`;
  const rate = elapsedMs <= 0 ? "" : `, ${bytesText((bytesSent / elapsedMs) * 1_000)}/s`;
  return `sent ${bytesText(bytesSent)}${of}${rate}`;
}

function percentOf(bytesSent: number, bytesTotal: number): number {
  return bytesTotal === 0 ? 100 : Math.min(100, Math.floor((bytesSent / bytesTotal) * 100));
}
