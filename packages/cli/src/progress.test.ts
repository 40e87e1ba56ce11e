import { createVirtualClock } from "@sluice/core";
import { expect, test } from "vitest";
import { createProgress } from "./progress.ts";

function record(isTTY: boolean): { output: Parameters<typeof createProgress>[0]; written: string[] } {
  const written: string[] = [];
  return { output: { isTTY, columns: 80, rows: 24, write: (text) => void written.push(text) }, written };
}

test("a terminal sees bytes, share and rate in one line, then that it is being checked, then nothing", () => {
  const { output, written } = record(true);
  const clock = createVirtualClock();
  const progress = createProgress(output, clock, 50_000_000);
  for (const bytesSent of [5_000_000, 10_000_000, 50_000_000]) {
    clock.advance(1_000);
    progress.update({ bytesSent, done: false });
  }
  progress.update({ bytesSent: 50_000_000, done: true });
  clock.advance(2_000);
  progress.end();
  expect(written.map((text) => text.trimEnd())).toEqual([
    "\rsent 5.0 MB of 50.0 MB (10 %), 5.0 MB/s",
    "\rsent 10.0 MB of 50.0 MB (20 %), 5.0 MB/s",
    "\rsent 50.0 MB of 50.0 MB (100 %), 16.7 MB/s",
    "\rchecking…",
    "\rchecking… 1 s",
    "\rchecking… 2 s",
    "",
  ]);
  expect(written.at(-1)).toMatch(/^\r +\r$/);
  expect(clock.nextInMs()).toBeUndefined();
});

test("a terminal is redrawn ten times a second at most", () => {
  const { output, written } = record(true);
  const clock = createVirtualClock();
  const progress = createProgress(output, clock, null);
  for (let chunk = 1; chunk <= 1_000; chunk += 1) {
    clock.advance(1);
    progress.update({ bytesSent: chunk * 1_000, done: false });
  }
  expect(written.length).toBeLessThanOrEqual(11);
  expect(written[1]).toBe("\rsent 101.0 kB, 1.0 MB/s");
});

test("elsewhere a slow upload says a line every five seconds", () => {
  const { output, written } = record(false);
  const clock = createVirtualClock();
  const progress = createProgress(output, clock, 100_000_000);
  for (let second = 1; second <= 11; second += 1) {
    clock.advance(1_000);
    progress.update({ bytesSent: second * 5_000_000, done: false });
  }
  progress.update({ bytesSent: 55_000_000, done: true });
  progress.end();
  expect(written).toEqual([
    "sent 25.0 MB of 100.0 MB (25 %), 5.0 MB/s\n",
    "sent 50.0 MB of 100.0 MB (50 %), 5.0 MB/s\n",
    "sent 55.0 MB of 100.0 MB (55 %), 5.0 MB/s, checking…\n",
  ]);
});

test("elsewhere a quick upload says nothing", () => {
  const { output, written } = record(false);
  const progress = createProgress(output, createVirtualClock(), 100);
  progress.update({ bytesSent: 100, done: false });
  progress.update({ bytesSent: 100, done: true });
  progress.end();
  expect(written).toEqual([]);
});
