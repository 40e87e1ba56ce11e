import { settle } from "@sluice/replica/testing";
import { expect, test } from "vitest";
import { createTurns, retryAfterMs } from "./turns.ts";

const never = new AbortController().signal;

/** Work that ends when it is told to. */
function work(): { readonly run: () => Promise<string>; started: () => boolean; end: () => void } {
  const { promise, resolve } = Promise.withResolvers<string>();
  let started = false;
  return {
    run: () => {
      started = true;
      return promise;
    },
    started: () => started,
    end: () => resolve("done"),
  };
}

test("a dataset has one turn at a time, and others go on beside it up to the limit", async () => {
  const turns = createTurns({ runningMax: 2, waitingMax: 16 });
  const [first, second, other, third] = [work(), work(), work(), work()];
  const all = [
    turns.take("prices", never, first.run),
    turns.take("prices", never, second.run),
    turns.take("stock", never, other.run),
    turns.take("flags", never, third.run),
  ];
  await settle();
  expect([first, second, other, third].map(({ started }) => started())).toEqual([true, false, true, false]);
  other.end();
  await settle();
  // Third comes before second, whose dataset is still at work.
  expect([second, third].map(({ started }) => started())).toEqual([false, true]);
  first.end();
  await settle();
  expect(second.started()).toBe(true);
  second.end();
  third.end();
  expect(await Promise.all(all)).toEqual(["done", "done", "done", "done"]);
});

test("work that fails gives its turn on", async () => {
  const turns = createTurns({ runningMax: 1, waitingMax: 1 });
  const failed = turns.take("prices", never, () => Promise.reject(new Error("broke")));
  const next = turns.take("prices", never, async () => "done");
  await expect(failed).rejects.toThrow("broke");
  expect(await next).toBe("done");
});

test("one more than may wait is refused with the pause after which to try again", async () => {
  const turns = createTurns({ runningMax: 1, waitingMax: 1 });
  const running = work();
  const first = turns.take("prices", never, running.run);
  const second = turns.take("prices", never, async () => "done");
  await expect(turns.take("stock", never, async () => "done")).rejects.toMatchObject({
    code: "NOT_READY",
    details: { waitingMax: 1, retryAfterMs },
  });
  running.end();
  expect(await Promise.all([first, second])).toEqual(["done", "done"]);
});

test("who gives up while waiting is not started, and keeps nobody from a turn", async () => {
  const turns = createTurns({ runningMax: 1, waitingMax: 2 });
  const running = work();
  const first = turns.take("prices", never, running.run);
  const leaving = new AbortController();
  const left = work();
  const second = turns.take("prices", leaving.signal, left.run);
  const third = turns.take("prices", never, async () => "done");
  leaving.abort();
  await expect(second).rejects.toMatchObject({ code: "CLOSED" });
  running.end();
  expect(await Promise.all([first, third])).toEqual(["done", "done"]);
  expect(left.started()).toBe(false);
  await expect(turns.take("prices", leaving.signal, left.run)).rejects.toMatchObject({ code: "CLOSED" });
});
