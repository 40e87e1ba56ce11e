import { createVirtualClock, type VirtualClock } from "@sluice/core";
import { expect, test } from "vitest";
import { answerMsMax, createMailer, type MailSource, type Mailer } from "./mailer.ts";
import { settle } from "./turns.testing.ts";

interface World {
  readonly clock: VirtualClock;
  readonly mailer: Mailer;
  /** What the source has to send. */
  readonly queue: string[];
  /** Every attempt, as `url body`. */
  readonly attempts: string[];
  readonly answered: number[];
  lost: number;
  /** Answers the attempt that is on its way. */
  answer(status: number): Promise<void>;
  fail(): Promise<void>;
}

function createWorld(): World {
  const clock = createVirtualClock();
  const queue: string[] = [];
  const attempts: string[] = [];
  const answered: number[] = [];
  const open: { resolve: (status: number) => void; reject: (error: Error) => void }[] = [];
  const source: MailSource = {
    next: () => queue.shift() ?? null,
    answered: (status) => void answered.push(status),
    lost: () => void world.lost++,
  };
  const mailer = createMailer({
    path: "/v1/path",
    source,
    clock,
    random: () => 0.999,
    post: ({ url }, path, body) => {
      attempts.push(`${url}${path} ${body}`);
      return new Promise((resolve, reject) => void open.push({ resolve, reject }));
    },
  });
  const world: World = {
    clock,
    mailer,
    queue,
    attempts,
    answered,
    lost: 0,
    async answer(status) {
      open.shift()?.resolve(status);
      await settle();
    },
    async fail() {
      open.shift()?.reject(new Error("connection reset"));
      await settle();
    },
  };
  return world;
}

test("one body is on its way at a time", async () => {
  const world = createWorld();
  world.mailer.to("a", "1");
  world.queue.push("one", "two");
  world.mailer.wake();
  world.mailer.wake();
  expect(world.attempts).toEqual(["a/v1/path one"]);
  await world.answer(202);
  expect(world.attempts).toEqual(["a/v1/path one", "a/v1/path two"]);
  await world.answer(202);
  expect(world.answered).toEqual([202, 202]);
});

test("nothing is sent before there is an instance", () => {
  const world = createWorld();
  world.queue.push("one");
  world.mailer.wake();
  expect(world.attempts).toEqual([]);
  world.mailer.to("a", "1");
  expect(world.attempts).toEqual(["a/v1/path one"]);
});

test.each([500, 503, 429, 408])("a body that was answered %i is sent again as it was, later", async (status) => {
  const world = createWorld();
  world.mailer.to("a", "1");
  world.queue.push("one", "two");
  world.mailer.wake();
  await world.answer(status);
  expect(world.attempts).toEqual(["a/v1/path one"]);
  world.clock.runNext();
  expect(world.clock.now()).toBeLessThanOrEqual(100);
  expect(world.attempts).toEqual(["a/v1/path one", "a/v1/path one"]);
  await world.answer(202);
  expect(world.answered).toEqual([202]);
  expect(world.attempts.at(-1)).toBe("a/v1/path two");
});

test("a body that is refused is not sent again", async () => {
  const world = createWorld();
  world.mailer.to("a", "1");
  world.queue.push("one");
  world.mailer.wake();
  await world.answer(400);
  expect(world.answered).toEqual([400]);
  expect(world.clock.nextInMs()).toBe(undefined);
});

test("a body whose answer does not come is sent again after a while", async () => {
  const world = createWorld();
  world.mailer.to("a", "1");
  world.queue.push("one");
  world.mailer.wake();
  world.clock.advance(answerMsMax);
  await settle();
  world.clock.runNext();
  expect(world.attempts).toEqual(["a/v1/path one", "a/v1/path one"]);
});

test.each([
  ["another instance", "b", "2"],
  ["the same address with another process behind it", "a", "2"],
])("what was not answered is lost, never sent to %s", async (_what, url, instance) => {
  const world = createWorld();
  world.mailer.to("a", "1");
  world.queue.push("one", "two");
  world.mailer.wake();
  world.mailer.to(url, instance);
  expect(world.lost).toBe(1);
  expect(world.attempts).toEqual(["a/v1/path one", `${url}/v1/path two`]);
  // The first instance's answer comes late and is nobody's.
  await world.answer(202);
  expect(world.answered).toEqual([]);
  await world.answer(202);
  expect(world.answered).toEqual([202]);
});

test("what waits for its retry is lost to another instance as well, and the same one gets it at last", async () => {
  const world = createWorld();
  world.mailer.to("a", "1");
  world.queue.push("one", "two");
  world.mailer.wake();
  await world.fail();
  world.mailer.to("a", "1");
  expect(world.lost).toBe(0);
  world.mailer.to("b", "1");
  expect(world.lost).toBe(1);
  expect(world.attempts).toEqual(["a/v1/path one", "b/v1/path two"]);
});

test("waits grow with failures and are bounded", async () => {
  const world = createWorld();
  world.mailer.to("a", "1");
  world.queue.push("one");
  world.mailer.wake();
  const waits: number[] = [];
  for (let attempt = 0; attempt < 9; attempt++) {
    await world.fail();
    waits.push(Math.round((world.clock.nextInMs() ?? 0) / 0.999));
    world.clock.runNext();
  }
  expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
});

test("a flush ends when all is answered, or an attempt failed, or nobody is there", async () => {
  const world = createWorld();
  await world.mailer.flush();
  world.mailer.to("a", "1");
  world.queue.push("one", "two");
  let ends = 0;
  const flush = async (): Promise<void> => {
    await world.mailer.flush();
    ends++;
  };
  void flush();
  await world.answer(202);
  expect(ends).toBe(0);
  await world.answer(202);
  expect(ends).toBe(1);
  world.queue.push("three");
  void flush();
  await world.fail();
  expect(ends).toBe(2);
  void flush();
  expect(world.attempts.at(-1)).toBe("a/v1/path three");
  expect(world.clock.nextInMs()).toBe(answerMsMax);
});

test("a closed mailer leaves no timer and sends nothing", async () => {
  const world = createWorld();
  world.mailer.to("a", "1");
  world.queue.push("one", "two");
  world.mailer.wake();
  world.mailer.close();
  await settle();
  world.mailer.wake();
  expect(world.attempts).toEqual(["a/v1/path one"]);
  expect(world.clock.nextInMs()).toBe(undefined);
});
