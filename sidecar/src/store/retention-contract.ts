import { type Event, isOnPatchShelf, type LoggedEvent } from "@sluice/core";
import { describe, expect, test } from "vitest";
import type { RememberedAnswer } from "./port.ts";
import { datasetCreated, hashOf, logged, patched, published, releaseEnded, releaseStarted } from "./sample-events.ts";
import { type CreatePlace, useStore } from "./store-place.testing.ts";

/** What every store must do about checkpoints, and about what it lets go of. */
export function describeRetention(name: string, createPlace: CreatePlace): void {
  describe(`what the ${name} store keeps`, () => {
    const store = useStore(createPlace);
    const { append, checkpoint, prune, readAll, reopen, sequences } = store;

    /** A dataset, a publish and `count` patches a second apart, events 1 to 2 + count. */
    const fill = async (count: number): Promise<void> => {
      await append(logged(1, datasetCreated("stock"), published("stock", 1, "s", true)));
      await append(patchesFrom(3, count));
    };

    test("a checkpoint comes back as it was, whatever its size, and the newest two are kept", async () => {
      await fill(10);
      const texts = ["", "雪\u0000", "x".repeat(700_000), "y".repeat(131_072)];
      for (const [index, text] of texts.entries()) await checkpoint(index + 3, text);
      await reopen();
      expect(await store.log.checkpoints()).toEqual([
        { sequence: 6, at: 6_000, bytes: 131_072 },
        { sequence: 5, at: 5_000, bytes: 700_000 },
      ]);
      expect(await store.log.readCheckpoint(6)).toBe(texts[3]);
      expect(await store.log.readCheckpoint(5)).toBe(texts[2]);
      expect(await store.log.readCheckpoint(4)).toBeNull();
      expect(await store.log.readCheckpoint(7)).toBeNull();
    });

    test("a checkpoint of the same place takes the place of the one before", async () => {
      await fill(1);
      await checkpoint(2, "a");
      await checkpoint(3, "b".repeat(300_000));
      await checkpoint(3, "c");
      expect(await store.log.checkpoints()).toMatchObject([{ sequence: 3 }, { sequence: 2 }]);
      expect(await store.log.readCheckpoint(3)).toBe("c");
    });

    test("a checkpoint ahead of its log is refused", async () => {
      await fill(1);
      await expect(checkpoint(4)).rejects.toThrow("ahead of its log");
      expect(await store.log.checkpoints()).toEqual([]);
    });

    test("no patch goes that is not in two checkpoints", async () => {
      await fill(10);
      const all = { patchesBefore: 1_000_000_000_000 };
      expect(await prune(all)).toMatchObject({ patches: 0 });
      await checkpoint(12);
      expect(await prune(all)).toMatchObject({ patches: 0 });
      expect(await readAll()).toHaveLength(12);
      await checkpoint(7);
      expect(await prune(all)).toMatchObject({ patches: 5, more: false });
      expect(await sequences(7)).toEqual([8, 9, 10, 11, 12]);
    });

    test("patches go by age, control events never", async () => {
      await fill(600);
      await append(logged(603, datasetCreated("flags")));
      await append(patchesFrom(604, 10, 602));
      await checkpoint(612);
      await checkpoint(613);
      // The patch of event n is from second n.
      expect(await prune({ patchesBefore: 610_000 })).toMatchObject({ patches: 606, more: false });
      expect(await sequences(609)).toEqual([610, 611, 612, 613]);
      expect((await store.log.readControl({ limit: 10 })).map(({ sequence }) => sequence)).toEqual([1, 2, 603]);
      expect(await prune({ patchesBefore: 610_000 })).toMatchObject({ patches: 0 });
      await reopen();
      expect(await sequences(609)).toEqual([610, 611, 612, 613]);
    });

    test("young patches go where they take too much room, the oldest first", async () => {
      await fill(100);
      await checkpoint(101);
      await checkpoint(102);
      const { patchesBytes } = await store.log.measure();
      expect(await prune({ patchesBytesMax: patchesBytes / 2 })).toMatchObject({ more: false });
      const left = await store.log.measure();
      expect(left.patchesBytes).toBeGreaterThan(patchesBytes * 0.49);
      expect(left.patchesBytes).toBeLessThan(patchesBytes * 0.52);
      expect(await prune({ patchesBytesMax: 0 })).toMatchObject({ patches: 49 });
      expect(await sequences(101)).toEqual([102]);
    });

    test("whoever asks for patches that have gone is told so, and how far", async () => {
      await fill(10);
      await checkpoint(6);
      await checkpoint(12);
      await prune({ patchesBefore: 1_000_000 });
      for (const after of [0, 2, 5]) {
        await expect(readAll(after)).rejects.toMatchObject({ code: "PRUNED", details: { after, through: 6 } });
      }
      expect(await sequences(6)).toEqual([7, 8, 9, 10, 11, 12]);
      await reopen();
      await expect(readAll(0)).rejects.toMatchObject({ code: "PRUNED" });
    });

    test("a log goes on where it was after its patches have gone", async () => {
      await fill(10);
      await checkpoint(11);
      await checkpoint(12);
      await prune({ patchesBefore: 1_000_000 });
      await reopen();
      await expect(append(patchesFrom(12, 1))).rejects.toMatchObject({ code: "CONFLICT", details: { last: 12 } });
      await append(patchesFrom(13, 2));
      expect(await sequences(11)).toEqual([12, 13, 14]);
    });

    test("a line for each minute and dataset says what patches did, and stays when they have gone", async () => {
      await append(
        logged(
          1,
          datasetCreated("stock"),
          datasetCreated("prices"),
          published("stock", 1, "s", true),
          published("prices", 1, "p", true),
          published("prices", 2, "c", false),
        ),
      );
      const setsTwo = {
        set: [
          ["a", "1"],
          ["b", "2"],
        ] as const,
        remove: ["c"],
      };
      await append([
        ...at(59_000, 6, patched("stock", 2, "s2", undefined, setsTwo)),
        ...at(59_999, 7, patched("stock", 3, "s3", undefined, setsTwo)),
        ...at(59_999, 8, patched("prices", 3, "p3", "c4", setsTwo)),
        ...at(60_000, 9, patched("stock", 4, "s4", undefined, { set: [], remove: ["a"] })),
      ]);
      const minutes = [
        {
          dataset: "stock",
          patches: 2,
          keysSet: 4,
          keysRemoved: 2,
          firstSequence: 6,
          lastSequence: 7,
          firstNumber: 2,
          lastNumber: 3,
          firstAt: 59_000,
          lastAt: 59_999,
        },
        {
          dataset: "prices",
          patches: 1,
          keysSet: 2,
          keysRemoved: 1,
          firstSequence: 8,
          lastSequence: 8,
          firstNumber: 3,
          lastNumber: 4,
          firstAt: 59_999,
          lastAt: 59_999,
        },
        {
          dataset: "stock",
          patches: 1,
          keysSet: 0,
          keysRemoved: 1,
          firstSequence: 9,
          lastSequence: 9,
          firstNumber: 4,
          lastNumber: 4,
          firstAt: 60_000,
          lastAt: 60_000,
        },
      ];
      expect(await store.log.readPatchMinutes({ limit: 10 })).toEqual(minutes);
      await checkpoint(8);
      await checkpoint(9);
      await prune({ patchesBefore: 1_000_000 });
      await reopen();
      expect(await store.log.readPatchMinutes({ limit: 10 })).toEqual(minutes);
      expect(await store.log.readPatchMinutes({ limit: 1 })).toEqual(minutes.slice(2));
      expect(await store.log.readPatchMinutes({ after: 6, limit: 1 })).toEqual(minutes.slice(1, 2));
      expect(await store.log.readPatchMinutes({ dataset: "stock", after: 0, limit: 10 })).toEqual([
        minutes[0],
        minutes[2],
      ]);
      expect(await store.log.readPatchMinutes({ dataset: "flags", limit: 10 })).toEqual([]);
    });

    test("answers to patches are forgotten by number and by age, those to other commands by age alone", async () => {
      await append(logged(1, datasetCreated("stock"), published("stock", 1, "s", true)), [answer("control")]);
      for (let index = 0; index < 20; index++) await append(patchesFrom(3 + index, 1), [answer(`patch-${index}`)]);
      expect(await prune({ patchAnswersMax: 5 })).toMatchObject({ answers: 15 });
      expect(await store.log.remembered("patch-14")).toBeUndefined();
      expect(await store.log.remembered("patch-15")).toMatchObject({ key: "patch-15" });
      expect(await store.log.remembered("control")).toMatchObject({ key: "control" });
      store.clock.advance(24 * 3_600_000);
      expect(await store.log.remembered("patch-19")).toBeUndefined();
      expect(await prune({ patchAnswersMax: 5 })).toMatchObject({ answers: 5 });
    });

    test("a key that was used again for a patch is forgotten when that one is", async () => {
      await append(logged(1, datasetCreated("stock"), published("stock", 1, "s", true)));
      for (const [index, key] of ["a", "b", "a"].entries()) await append(patchesFrom(3 + index, 1), [answer(key)]);
      await prune({ patchAnswersMax: 1 });
      expect(await store.log.remembered("a")).toBeDefined();
      expect(await store.log.remembered("b")).toBeUndefined();
    });

    const answer = (key: string): RememberedAnswer => ({
      key,
      fingerprint: `${key}!`,
      answer: '{"n":1}',
      at: store.clock.wall(),
    });

    test.each([1, 2, 3, 4, 5])(
      "what the quarantine is answered is the same with and without pruning (%i)",
      async (seed) => {
        const history = randomReleases(seed, 400);
        for (const event of history.events) await append([event]);
        const { publishes, had } = history;
        const controlSequence = history.events.findLast(({ event }) => !isOnPatchShelf(event))?.sequence ?? 0;
        const stale = { controlSequence: controlSequence - 1, publishes: {} };
        expect(await prune({ lines: stale })).toMatchObject({ contents: 0 });
        const { contents } = await prune({ lines: { controlSequence, publishes: { prices: publishes } } });
        expect(contents).toBeGreaterThan(0);
        for (const [content, lines] of had) {
          const found = await store.log.linesWithContent("prices", hashOf(content));
          const marked = (its: readonly number[]): number[] => its.filter((publish) => history.marked.has(publish));
          expect({ content, found: marked(found) }).toEqual({
            content,
            found: marked([...lines].sort((a, b) => a - b)),
          });
        }
      },
    );
  });
}

/** Patches of `stock` that are events `first`, `first + 1`, …, each from the second of its number. */
function patchesFrom(first: number, count: number, firstNumber: number = first - 1): LoggedEvent[] {
  const events = Array.from({ length: count }, (_, index) =>
    patched("stock", firstNumber + index, `s${firstNumber + index}`, undefined, {
      set: [["sku", JSON.stringify("x".repeat(200))]],
      remove: [],
    }),
  );
  return logged(first, ...events);
}

/** An event from a moment. */
function at(moment: number, sequence: number, event: Event): LoggedEvent[] {
  return logged(sequence, event).map((its) => ({ ...its, at: moment }));
}

interface RandomReleases {
  readonly events: readonly LoggedEvent[];
  /** Publishes that are out, a candidate or in quarantine at the end. */
  readonly publishes: readonly number[];
  readonly marked: ReadonlySet<number>;
  /** Lines by each content that they had while they could still be reverted. */
  readonly had: ReadonlyMap<string, ReadonlySet<number>>;
}

/** A history of publishes, patches and releases of one dataset, in which contents come back. */
function randomReleases(seed: number, steps: number): RandomReleases {
  let state = seed * 7_919;
  const draw = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  const events: Event[] = [datasetCreated("prices"), published("prices", 1, "first", true)];
  const marked = new Set<number>();
  const had = new Map<string, Set<number>>();
  const note = (content: string, publish: number): void =>
    void had.set(content, (had.get(content) ?? new Set()).add(publish));
  let number = 1;
  let stable = 1;
  let candidate: number | null = null;
  let release: string | null = null;
  for (let step = 0; step < steps; step++) {
    const content = `content-${draw(60)}`;
    const choice = draw(12);
    if (candidate === null || (choice === 0 && release === null)) {
      candidate = ++number;
      events.push(published("prices", candidate, content, false));
      note(content, candidate);
    } else if (choice === 1 && release === null) {
      release = `r${step}`;
      events.push(releaseStarted(release, "prices"));
    } else if (choice === 2 && release !== null) {
      const type = (["release-reverted", "release-completed", "release-superseded"] as const)[draw(3)];
      events.push(releaseEnded(type ?? "release-reverted", release));
      if (type === "release-reverted") marked.add(candidate);
      if (type === "release-completed") stable = candidate;
      candidate = null;
      release = null;
    } else if (choice === 3 && marked.size > 2) {
      const publish = [...marked][draw(marked.size)] ?? 0;
      marked.delete(publish);
      events.push({ type: "quarantine-lifted", dataset: "prices", publish, keys: null, reason: "looked at" });
    } else {
      events.push(patched("prices", number + 1, `stable-${step}`, content));
      number += 2;
      note(content, candidate);
    }
  }
  const publishes = [...marked, stable, ...(candidate === null ? [] : [candidate])];
  return { events: logged(1, ...events), publishes, marked, had };
}
