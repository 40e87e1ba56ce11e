import { createHash } from "node:crypto";
import { isSluiceError, type LoggedEvent } from "@sluice/core";
import { describe, expect, test } from "vitest";
import type { RememberedAnswer } from "./port.ts";
import {
  alertReceived,
  datasetCreated,
  hashOf,
  logged,
  patched,
  percentageSet,
  published,
  releaseEnded,
  releaseStarted,
} from "./sample-events.ts";
import { type CreatePlace, type TestStore, useStore } from "./store-place.testing.ts";

/** What every store must do. */
export function describeStore(name: string, createPlace: CreatePlace): void {
  describe(`the ${name} store`, () => {
    const store = useStore(createPlace);
    const { append, readAll, reopen } = store;

    test("a new log is empty", async () => {
      expect(await readAll()).toEqual([]);
      expect(await store.log.readControl({ limit: 10 })).toEqual([]);
      expect(store.log.id).not.toBe("");
    });

    test("events come back as they were appended, in one order over both shelves", async () => {
      const events = logged(
        1,
        datasetCreated("prices"),
        published("prices", 1, "a", true),
        patched("prices", 2, "b", undefined, {
          set: [["雪\u0000\ud800", '{"__proto__":null,"价":0.1}']],
          remove: ['"'],
        }),
        published("prices", 3, "c", false),
        patched("prices", 4, "d"),
      );
      await append(events.slice(0, 2));
      await append(events.slice(2));
      expect(await readAll()).toEqual(events);
    });

    test("an append that expects another last event conflicts, says which is the last, and leaves nothing", async () => {
      await append(logged(1, datasetCreated("prices"), datasetCreated("stock")));
      for (const stale of [0, 1, 3]) {
        await expect(
          store.log.append({
            expected: stale,
            events: logged(stale + 1, datasetCreated("flags"), datasetCreated("promotions")),
            answers: [answerAt("k", store.clock.wall())],
          }),
        ).rejects.toMatchObject({ code: "CONFLICT", details: { last: 2 } });
      }
      expect(await readAll()).toHaveLength(2);
      expect(await store.log.remembered("k")).toBeUndefined();
    });

    test("appends made without waiting chain, and one among them that conflicts fails alone", async () => {
      const results = await Promise.allSettled([
        append(logged(1, datasetCreated("a"))),
        append(logged(1, datasetCreated("b"))),
        append(logged(2, published("a", 1, "a1", true), patched("a", 2, "a2"))),
        append(logged(3, patched("a", 3, "a3"))),
        append(logged(4, patched("a", 3, "a3"))),
      ]);
      expect(results.map(({ status }) => status)).toEqual([
        "fulfilled",
        "rejected",
        "fulfilled",
        "rejected",
        "fulfilled",
      ]);
      expect((await readAll()).map(({ event }) => event.type)).toEqual([
        "dataset-created",
        "version-published",
        "patched",
        "patched",
      ]);
    });

    test("an append with an event that cannot be leaves nothing and harms no other", async () => {
      const impossible = append(logged(1, datasetCreated("a"), patched("a", 1, "nothing was published")));
      const possible = append(logged(1, datasetCreated("b")));
      await expect(impossible).rejects.toThrow("without what it moves");
      await possible;
      expect(await readAll()).toEqual(logged(1, datasetCreated("b")));
    });

    test("events that are not numbered from the expected one on are refused", async () => {
      await expect(
        store.log.append({ expected: 0, events: logged(2, datasetCreated("a")), answers: [] }),
      ).rejects.toThrow("event 2 stands at 1");
      await expect(store.log.append({ expected: 0, events: [], answers: [] })).rejects.toThrow("at least one event");
      expect(await readAll()).toEqual([]);
    });

    test("of a hundred that expect the same last event one wins", async () => {
      const racers = Array.from({ length: 100 }, (_, index) => append(logged(1, datasetCreated(`d${index}`))));
      const results = await Promise.allSettled(racers);
      const refused = results.filter((result) => result.status === "rejected").map(({ reason }) => reason as unknown);
      expect(refused).toHaveLength(99);
      expect(refused.every((reason) => isSluiceError(reason, "CONFLICT"))).toBe(true);
      expect(await readAll()).toHaveLength(1);
    });

    test("ten writers that try again after a conflict leave each event once and no gap", async () => {
      const names = run(0, 10).map((writer) => run(0, 10).map((index) => `d${writer}-${index}`));
      await Promise.all(names.map((each) => appendAll(append, each)));
      const events = await readAll();
      expect(ofSequences(events)).toEqual(run(1, 100));
      const created = events.map(({ event }) => (event.type === "dataset-created" ? event.dataset : ""));
      expect(created.sort()).toEqual(names.flat().sort());
    });

    test("a long log is read in order from anywhere, as far as asked", async () => {
      const patches = Array.from({ length: 2_500 }, (_, index) =>
        patched("stock", index + 2, `s${index}`, undefined, { set: [["sku", "x".repeat(700)]], remove: [] }),
      );
      await append(logged(1, datasetCreated("stock"), published("stock", 1, "s", true), ...patches));
      expect(ofSequences(await readAll(0))).toEqual(run(1, 2_502));
      expect(ofSequences(await readAll(700))).toEqual(run(701, 1_802));
      expect(ofSequences(await readAll(10, 2_000))).toEqual(run(11, 2_000));
      expect(ofSequences(await readAll(10, 1))).toEqual([11]);
      expect(ofSequences(await readAll(10, 0))).toEqual([]);
      expect(ofSequences(await readAll(2_502))).toEqual([]);
    });

    test("a reader that stops early keeps nobody from writing", async () => {
      await append(logged(1, datasetCreated("a"), datasetCreated("b")));
      for await (const { sequence } of store.log.read(0)) if (sequence === 1) break;
      await append(logged(3, datasetCreated("c")));
      expect(await readAll()).toHaveLength(3);
    });

    const story: readonly LoggedEvent[] = logged(
      1,
      datasetCreated("prices"),
      datasetCreated("stock"),
      published("prices", 1, "p1", true),
      published("stock", 1, "s1", true),
      patched("stock", 2, "s2"),
      published("prices", 2, "p2", false),
      releaseStarted("r1", "prices"),
      patched("prices", 3, "p1+", "p2+"),
      percentageSet("r1", 20_000),
      alertReceived("r1"),
      alertReceived(null),
      releaseEnded("release-reverted", "r1"),
      patched("prices", 5, "p1++"),
      published("prices", 6, "p3", false),
      releaseStarted("r2", "prices"),
      releaseEnded("release-superseded", "r2"),
      published("prices", 7, "p4", false),
      releaseStarted("r3", "prices"),
      patched("prices", 8, "p1+++", "p4+"),
      releaseEnded("release-completed", "r3"),
      patched("prices", 10, "p1+"),
    );

    test("control events are the newest without a start, and the next from a start on", async () => {
      await append(story);
      const control = story.filter(({ event }) => event.type !== "patched");
      expect(await store.log.readControl({ limit: 100 })).toEqual(control);
      expect(await store.log.readControl({ limit: 3 })).toEqual(control.slice(-3));
      expect(await store.log.readControl({ after: 0, limit: 3 })).toEqual(control.slice(0, 3));
      expect(ofSequences(await store.log.readControl({ after: 7, limit: 2 }))).toEqual([9, 10]);
      expect(await store.log.readControl({ after: 21, limit: 2 })).toEqual([]);
      expect(ofSequences(await store.log.readControl({ before: 9, limit: 2 }))).toEqual([6, 7]);
      expect(ofSequences(await store.log.readControl({ before: 7, dataset: "prices", limit: 2 }))).toEqual([3, 6]);
      expect(await store.log.readControl({ before: 1, limit: 2 })).toEqual([]);
    });

    test("an event of a release counts to the release's dataset, an alert without one to none", async () => {
      await append(story.slice(0, 8));
      await reopen();
      await append(story.slice(8));
      const ofPrices = [1, 3, 6, 7, 9, 10, 12, 14, 15, 16, 17, 18, 20];
      expect(ofSequences(await store.log.readControl({ dataset: "prices", limit: 100 }))).toEqual(ofPrices);
      expect(ofSequences(await store.log.readControl({ dataset: "prices", limit: 4 }))).toEqual([16, 17, 18, 20]);
      expect(ofSequences(await store.log.readControl({ dataset: "prices", after: 9, limit: 2 }))).toEqual([10, 12]);
      expect(ofSequences(await store.log.readControl({ dataset: "stock", limit: 100 }))).toEqual([2, 4]);
      expect(await store.log.readControl({ dataset: "flags", limit: 100 })).toEqual([]);
    });

    test("a line is found by the content of its publish, and as a candidate by that of every patch", async () => {
      await append(story.slice(0, 8));
      await reopen();
      await append(story.slice(8));
      const publishesOf = (content: string): Promise<readonly number[]> =>
        store.log.linesWithContent("prices", hashOf(content));
      expect(await publishesOf("p1")).toEqual([1]);
      expect(await publishesOf("p2")).toEqual([2]);
      expect(await publishesOf("p2+")).toEqual([2]);
      expect(await publishesOf("p3")).toEqual([6]);
      expect(await publishesOf("p4+")).toEqual([7]);
      // Of the stable line alone, which no revert can put into quarantine.
      expect(await publishesOf("p1++")).toEqual([]);
      expect(await publishesOf("s1")).toEqual([]);
      expect(await publishesOf("never")).toEqual([]);
      expect(await store.log.linesWithContent("stock", hashOf("s1"))).toEqual([1]);
    });

    test("a content that two lines had finds both", async () => {
      await append(
        logged(
          1,
          datasetCreated("prices"),
          published("prices", 1, "a", true),
          published("prices", 2, "b", false),
          patched("prices", 3, "a+", "same"),
          published("prices", 5, "same", false),
          patched("prices", 6, "a++", "other"),
          published("prices", 8, "c", false),
          patched("prices", 9, "a+++", "same"),
        ),
      );
      expect(await store.log.linesWithContent("prices", hashOf("same"))).toEqual([2, 5, 8]);
      expect(await store.log.linesWithContent("prices", hashOf("other"))).toEqual([5]);
    });

    test("an answer is remembered for 24 hours, by any process", async () => {
      const answer = answerAt("key-1", store.clock.wall());
      await append(logged(1, datasetCreated("a")), [answer]);
      expect(await store.log.remembered("key-1")).toEqual(answer);
      expect(await store.log.remembered("key-2")).toBeUndefined();
      await reopen();
      store.clock.advance(24 * 3_600_000 - 1);
      expect(await store.log.remembered("key-1")).toEqual(answer);
      store.clock.advance(1);
      expect(await store.log.remembered("key-1")).toBeUndefined();
    });

    test("a key that was forgotten can be used again, and forgetting one forgets no younger", async () => {
      await append(logged(1, datasetCreated("a")), [answerAt("old", store.clock.wall())]);
      store.clock.advance(20 * 3_600_000);
      await append(logged(2, datasetCreated("b")), [answerAt("young", store.clock.wall())]);
      store.clock.advance(5 * 3_600_000);
      const again = answerAt("old", store.clock.wall());
      await append(logged(3, datasetCreated("c")), [again]);
      expect(await store.log.remembered("old")).toEqual(again);
      expect(await store.log.remembered("young")).toBeDefined();
      // What was forgotten is not there for a clock that jumps back either.
      store.clock.jumpWall(-10 * 3_600_000);
      expect(await store.log.remembered("old")).toEqual(again);
    });

    test("documents are put, replaced and deleted, and survive", async () => {
      await store.log.putDocument("cursor", '{"etag":"a"}');
      await store.log.putDocument("cursor", '{"etag":"雪"}');
      await store.log.putDocument("evidence", "[]");
      await store.log.deleteDocument("evidence");
      await store.log.deleteDocument("never there");
      await reopen();
      expect(await store.log.getDocument("cursor")).toBe('{"etag":"雪"}');
      expect(await store.log.getDocument("evidence")).toBeUndefined();
    });

    test("blobs are kept beside the log", async () => {
      const bytes = new TextEncoder().encode("a part");
      const blob = createHash("sha256").update(bytes).digest("hex");
      await store.blobs.put(blob, bytes);
      await reopen();
      expect(store.blobs.has(blob)).toBe(true);
      expect(Buffer.from(await store.blobs.read(blob)).toString()).toBe("a part");
    });

    test("opening anew keeps the log, its id and its place", async () => {
      await append(story);
      const { id } = store.log;
      await reopen();
      expect(store.log.id).toBe(id);
      expect(await readAll()).toEqual(story);
      await expect(append(logged(1, datasetCreated("z")))).rejects.toMatchObject({ code: "CONFLICT" });
      await append(logged(22, datasetCreated("z")));
    });

    test("closing waits for what was asked before, and refuses what is asked after", async () => {
      const before = Promise.all([
        append(logged(1, datasetCreated("a"))),
        append(logged(2, datasetCreated("b"))),
        store.log.putDocument("cursor", "1"),
      ]);
      const closed = store.close();
      await expect(append(logged(3, datasetCreated("c")))).rejects.toMatchObject({ code: "CLOSED" });
      await expect(readAll()).rejects.toMatchObject({ code: "CLOSED" });
      await expect(store.log.remembered("k")).rejects.toMatchObject({ code: "CLOSED" });
      await before;
      await closed;
      await reopen();
      expect(await readAll()).toHaveLength(2);
      expect(await store.log.getDocument("cursor")).toBe("1");
    });
  });
}

function ofSequences(events: readonly LoggedEvent[]): number[] {
  return events.map(({ sequence }) => sequence);
}

/** `count` whole numbers from `first` on. */
function run(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

function answerAt(key: string, at: number): RememberedAnswer {
  return { key, fingerprint: `${key}!`, answer: '{"n":1}', at };
}

/** Appends a dataset under each name, one after the other, and after each conflict again. */
async function appendAll(append: TestStore["append"], names: readonly string[]): Promise<void> {
  let last = 0;
  for (const name of names) {
    for (let done = false; !done; ) {
      try {
        await append(logged(last + 1, datasetCreated(name)));
        done = true;
        last += 1;
      } catch (error) {
        if (!isSluiceError(error, "CONFLICT")) throw error;
        last = Number(error.details["last"]);
      }
    }
  }
}
