import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createTestClient, type TestClient } from "./testing.ts";
import type { View } from "./view.ts";

type Items = { readonly prices: number; readonly stock: number };

let client: TestClient<Items>;

beforeEach(() => {
  client = createTestClient({
    datasets: { prices: { same: 1, moved: 1, gone: 1 }, stock: { a: 1 } },
    candidate: { prices: { same: 1, moved: 2 } },
    percentage: 50,
  });
});

afterEach(() => client.close());

const arms = ["candidate", "control"] as const;
const viewIn = (arm: (typeof arms)[number]): View<Items> =>
  client.view({ targetingKey: client.targetingKey("prices", arm) });
const counted = (): string[] => client.outcomes.map(({ arm, failure }) => `${arm} ${failure ?? "ok"}`);

describe.each(arms)("a view in the %s arm", (arm) => {
  test("is counted once it has read an item in which the lines differ", () => {
    const view = viewIn(arm);
    view.get("prices", "moved");
    view.succeed();
    expect(counted()).toEqual([`${arm} ok`]);
  });

  test("is not counted where it read only what the lines share, or another dataset", () => {
    const view = viewIn(arm);
    view.get("prices", "same");
    view.get("prices", "nothing");
    view.get("stock", "a");
    view.fail();
    expect(counted()).toEqual([]);
  });

  test("is counted where it read that an item is missing that the other line has", () => {
    const view = viewIn(arm);
    view.get("prices", "gone");
    view.fail();
    expect(counted()).toEqual([`${arm} error`]);
  });

  test("that asked whether there is an item is counted only where the answers differ", () => {
    const same = viewIn(arm);
    same.has("prices", "moved");
    same.fail();
    const differing = viewIn(arm);
    differing.has("prices", "gone");
    differing.fail();
    expect(counted()).toEqual([`${arm} error`]);
  });

  test("that walked over all items is counted", () => {
    const view = viewIn(arm);
    expect(new Map(view.entries("prices")).size).toBeGreaterThan(0);
    view.succeed();
    expect(counted()).toEqual([`${arm} ok`]);
  });

  test("counts once: as a success, or as the first failure", () => {
    const failed = viewIn(arm);
    failed.get("prices", "moved");
    failed.fail("below-cost");
    failed.fail("error");
    failed.succeed();
    failed.run(() => undefined);
    const succeeded = viewIn(arm);
    succeeded.get("prices", "moved");
    succeeded.succeed();
    succeeded.fail();
    expect(counted()).toEqual([`${arm} below-cost`, `${arm} ok`]);
  });

  test("that read what differs only after its outcome is not counted", () => {
    const view = viewIn(arm);
    view.fail();
    view.get("prices", "moved");
    view.succeed();
    expect(counted()).toEqual([]);
  });

  test("names its release, its bucket and the percentage step that it was made under", () => {
    const view = viewIn(arm);
    client.setPercentage(60);
    view.get("prices", "moved");
    view.succeed();
    const [outcome] = client.outcomes;
    expect(outcome).toMatchObject({ release: view.release("prices"), epoch: 1, arm });
    expect((outcome?.unit ?? -1) < 50_000).toBe(arm === "candidate");
  });
});

function touch(view: View<Items>): void {
  view.get("prices", "moved");
}

describe("run", () => {
  test("counts a success and gives the result, sync and async", async () => {
    const [one, two] = [viewIn("candidate"), viewIn("control")];
    touch(one);
    expect(one.run(() => 7)).toBe(7);
    expect(await two.run(async () => (touch(two), 8))).toBe(8);
    expect(counted()).toEqual(["candidate ok", "control ok"]);
  });

  test("counts what is thrown as a failure and throws it on, sync and async", async () => {
    const [one, two] = [viewIn("candidate"), viewIn("control")];
    const broken = new Error("no currency");
    expect(() =>
      one.run(() => {
        touch(one);
        throw broken;
      }),
    ).toThrow(broken);
    touch(two);
    await expect(two.run(() => Promise.reject(broken))).rejects.toBe(broken);
    expect(counted()).toEqual(["candidate error", "control error"]);
  });

  test("keeps the kind that the work itself reported", () => {
    const view = viewIn("candidate");
    expect(() =>
      view.run(() => {
        touch(view);
        view.fail("below-cost");
        throw new Error("refused");
      }),
    ).toThrow("refused");
    expect(counted()).toEqual(["candidate below-cost"]);
  });

  test("counts nothing where the caller gave up", async () => {
    const view = viewIn("candidate");
    touch(view);
    const controller = new AbortController();
    controller.abort();
    await expect(view.run(async () => controller.signal.throwIfAborted())).rejects.toThrow(/aborted/);
    view.succeed();
    expect(counted()).toEqual([]);
  });

  test("counts nothing where the view was reverted under it: that can happen to one arm only", () => {
    const view = viewIn("candidate");
    touch(view);
    client.revert();
    expect(() => view.run(() => view.commit(() => undefined))).toThrow(
      expect.objectContaining({ code: "VIEW_REVERTED" }),
    );
    expect(counted()).toEqual([]);
  });

  test("waits for a promise of another make", async () => {
    const view = viewIn("candidate");
    touch(view);
    const thenable: PromiseLike<number> = {
      // oxlint-disable-next-line unicorn/no-thenable -- what query builders give is such a thing
      then: (resolve, reject) => Promise.reject<number>(new Error("late")).then(resolve, reject),
    };
    await expect(view.run(() => thenable)).rejects.toThrow("late");
    expect(counted()).toEqual(["candidate error"]);
  });
});

test("a kind has 1 to 64 characters", () => {
  const view = viewIn("candidate");
  for (const kind of ["", "x".repeat(65)]) {
    expect(() => view.fail(kind)).toThrow(expect.objectContaining({ code: "VALIDATION" }));
  }
  view.get("prices", "moved");
  view.fail("x".repeat(64));
  expect(counted()).toHaveLength(1);
});

test("without a targeting key, or with an empty one, nothing is counted, below 100 % and at it", () => {
  for (const percentage of [50, 100]) {
    client.setPercentage(percentage);
    for (const view of [client.view(), client.view({ targetingKey: "" })]) {
      expect(view.get("prices", "moved")).toBe(percentage === 100 ? 2 : 1);
      view.fail();
    }
  }
  expect([counted(), client.served.size]).toEqual([[], 0]);
});

test("at 100 % there is one arm, and it is counted", () => {
  client.setPercentage(100);
  const view = client.view({ targetingKey: "anybody" });
  view.get("prices", "moved");
  view.fail();
  expect(counted()).toEqual(["candidate error"]);
  expect(client.outcomes[0]?.epoch).toBe(2);
});

test("without a lease neither arm is counted", () => {
  client.setLease(false);
  for (const arm of arms) {
    const view = viewIn(arm);
    expect(view.get("prices", "moved")).toBe(1);
    view.fail();
  }
  expect(counted()).toEqual([]);
});

test("views are tallied by the line that they were really served, whatever came of them", () => {
  for (const arm of arms) viewIn(arm);
  viewIn("candidate");
  client.setLease(false);
  viewIn("candidate");
  client.setLease(true);
  client.setPercentage(60);
  viewIn("candidate");
  expect([...client.served.values()]).toEqual([
    { candidate: 2, stable: 2 },
    { candidate: 1, stable: 0 },
  ]);
  client.revert();
  client.view({ targetingKey: "anybody" });
  expect(client.served.size).toBe(2);
});

test("one view counts in each of the releases whose differences it read", () => {
  const both = createTestClient({
    datasets: { prices: { a: 1 }, stock: { a: 1 } },
    candidate: { prices: { a: 2 }, stock: { a: 2 } },
    percentage: 100,
  });
  const view = both.view({ targetingKey: "anybody" });
  view.get("prices", "a");
  view.fail("below-cost");
  expect(both.outcomes.map(({ release }) => release)).toEqual([view.release("prices")]);
  const second = both.view({ targetingKey: "anybody" });
  second.get("prices", "a");
  second.get("stock", "a");
  second.succeed();
  expect(both.outcomes.slice(1).map(({ release }) => release)).toEqual([view.release("prices"), view.release("stock")]);
});

describe("where the plan says what is slow", () => {
  beforeEach(() => {
    client = createTestClient({
      datasets: { prices: { same: 1, moved: 1 }, stock: { a: 1 } },
      candidate: { prices: { same: 1, moved: 2 } },
      percentage: 50,
      guard: { slowMs: 100 },
    });
  });

  test.each(arms)(
    "a success in the %s arm that took longer counts as slow, and one that did not as a success",
    async (arm) => {
      for (const durationMs of [100, 101]) {
        const [inTime, awaited] = [viewIn(arm), viewIn(arm)];
        touch(inTime);
        touch(awaited);
        // Time before the run is not the run's.
        client.advance(500);
        inTime.run(() => client.advance(durationMs));
        await awaited.run(async () => client.advance(durationMs));
      }
      expect(counted()).toEqual([`${arm} ok`, `${arm} ok`, `${arm} slow`, `${arm} slow`]);
    },
  );

  test("a failure that took long keeps its kind", () => {
    const view = viewIn("candidate");
    touch(view);
    client.advance(500);
    view.fail("below-cost");
    expect(counted()).toEqual(["candidate below-cost"]);
  });

  test("a success that is said by hand took as long as the view is old", () => {
    const [quick, slow] = [viewIn("candidate"), viewIn("candidate")];
    touch(quick);
    touch(slow);
    client.advance(100);
    quick.succeed();
    client.advance(1);
    slow.succeed();
    expect(counted()).toEqual(["candidate ok", "candidate slow"]);
  });
});

test("where the plan says nothing of slow requests none is", () => {
  const view = viewIn("candidate");
  touch(view);
  client.advance(9_999);
  view.succeed();
  expect(counted()).toEqual(["candidate ok"]);
});

test("slow is measured and not said", () => {
  expect(() => viewIn("candidate").fail("slow")).toThrow(expect.objectContaining({ code: "VALIDATION" }));
});

describe("where the plan counts what touched the dataset", () => {
  beforeEach(() => {
    client = createTestClient({
      datasets: { prices: { same: 1, moved: 1 }, stock: { a: 1 } },
      candidate: { prices: { same: 1, moved: 2 } },
      percentage: 50,
      guard: { counting: "touched" },
    });
  });

  const reads: readonly ((view: View<Items>) => unknown)[] = [
    (view) => view.get("prices", "same"),
    (view) => view.get("prices", "nothing"),
    (view) => view.has("prices", "same"),
    (view) => view.entries("prices").next(),
    (view) => view.getMany("prices", ["same"]),
  ];

  test.each(arms)("a view in the %s arm counts that read only what the lines share", (arm) => {
    for (const read of reads) {
      const view = viewIn(arm);
      read(view);
      view.succeed();
    }
    expect(counted()).toEqual(reads.map(() => `${arm} ok`));
  });

  test("a view that read another dataset does not", () => {
    const view = viewIn("candidate");
    view.get("stock", "a");
    view.fail();
    expect(counted()).toEqual([]);
  });
});

function giveUp(view: View<Items>, ms: number): never {
  view.get("prices", "moved");
  client.advance(ms);
  throw new DOMException("gave up", "AbortError");
}

describe("what is given up", () => {
  beforeEach(() => {
    client = createTestClient({
      datasets: { prices: { moved: 1 }, stock: { a: 1 } },
      candidate: { prices: { moved: 2 } },
      percentage: 50,
      guard: { slowMs: 1_000 },
    });
  });

  test.each(arms)(
    "counts as slow in the %s arm where it had taken longer than slowMs, and as nothing before",
    async (arm) => {
      const soon = viewIn(arm);
      expect(() => soon.run(() => giveUp(soon, 1_000))).toThrow("gave up");
      const late = viewIn(arm);
      expect(() => late.run(() => giveUp(late, 3_000))).toThrow("gave up");
      const later = viewIn(arm);
      await expect(later.run(async () => giveUp(later, 3_000))).rejects.toThrow("gave up");
      expect(counted()).toEqual([`${arm} slow`, `${arm} slow`]);
    },
  );

  test("is measured from when the work began, and from when the view was made where nobody ran it", () => {
    const view = viewIn("candidate");
    client.advance(2_000);
    expect(() => view.run(() => giveUp(view, 900))).toThrow("gave up");
    const other = viewIn("candidate");
    other.get("prices", "moved");
    client.advance(2_000);
    other.giveUp();
    expect(counted()).toEqual(["candidate slow"]);
  });

  test("counts nothing after an outcome, nor an outcome after it", () => {
    const failed = viewIn("candidate");
    failed.get("prices", "moved");
    failed.fail();
    client.advance(2_000);
    failed.giveUp();
    const given = viewIn("candidate");
    given.get("prices", "moved");
    given.giveUp();
    given.fail();
    expect(counted()).toEqual(["candidate error"]);
  });
});
