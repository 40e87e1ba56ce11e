import { settle } from "@sluice/replica/testing";
import { expect, test } from "vitest";
import { createNewestWrite } from "./newest-write.ts";

/** A record in a store that takes its time. */
function createWorld(): {
  readonly record: ReturnType<typeof createNewestWrite>;
  readonly made: number[];
  readonly failures: unknown[];
  readonly change: () => void;
  /** Ends the write in flight. */
  readonly end: (failure?: Error) => Promise<void>;
} {
  const made: number[] = [];
  const failures: unknown[] = [];
  let version = 0;
  let flying = Promise.withResolvers<void>();
  const write = (): Promise<void> => {
    made.push(version);
    flying = Promise.withResolvers<void>();
    return flying.promise;
  };
  const record = createNewestWrite(write, (error) => failures.push(error));
  return {
    record,
    made,
    failures,
    change() {
      version += 1;
      record.changed();
    },
    async end(failure) {
      if (failure === undefined) flying.resolve();
      else flying.reject(failure);
      await settle();
    },
  };
}

test("while a store hangs one record waits, not one a second, and it is the newest that is written", async () => {
  const { made, change, end, record } = createWorld();
  for (let second = 0; second < 120; second++) change();
  expect(made).toEqual([1]);
  await end();
  expect(made).toEqual([1, 120]);
  await end();
  await record.idle();
  expect(made).toEqual([1, 120]);
});

test("a write that fails is told, and the next one is made", async () => {
  const { made, failures, change, end } = createWorld();
  change();
  change();
  const error = new Error("the store is away");
  await end(error);
  expect([failures, made]).toEqual([[error], [1, 2]]);
  await end();
  change();
  expect(made).toEqual([1, 2, 3]);
});

test("it is idle when what changed last is written", async () => {
  const { change, end, record } = createWorld();
  await record.idle();
  change();
  change();
  let isIdle = false;
  const idle = record.idle().finally(() => {
    isIdle = true;
  });
  await end();
  expect(isIdle).toBe(false);
  await end();
  await idle;
});
