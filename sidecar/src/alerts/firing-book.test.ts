import { createVirtualClock } from "@sluice/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { type Firing, type FiringBook, firingMax, openFiringBook } from "./firing-book.ts";

const logger = pino({ level: "silent" });

function firing(key: string, asked: Firing["asked"] = {}): Firing {
  return { key, holder: { kind: "alert", name: key }, startsAt: null, since: 1, reason: "r", asked, overruledBy: {} };
}

const keys = (list: readonly Firing[]): string[] => list.map(({ key }) => key);

/** A document beside the log, and how often it was written. */
function createDocument(json?: string): {
  getDocument(): Promise<string | undefined>;
  putDocument(name: string, text: string): Promise<void>;
  readonly written: string[];
} {
  const written: string[] = json === undefined ? [] : [json];
  return {
    getDocument: () => Promise.resolve(written.at(-1)),
    putDocument: (_name, text) => Promise.resolve(void written.push(text)),
    written,
  };
}

async function open(
  documents: ReturnType<typeof createDocument>,
  clock = createVirtualClock(),
): Promise<{ book: FiringBook; clock: typeof clock }> {
  return { book: await openFiringBook({ documents, clock, logger }), clock };
}

test("the oldest of too many is forgotten, and one that is heard of again is not the oldest", async () => {
  const { book } = await open(createDocument());
  for (let number = 0; number < firingMax; number++) book.put(firing(`alert-${number}`));
  book.put(firing("alert-0"));
  book.put(firing("one-more"));
  expect(book.get("alert-1")).toBeUndefined();
  expect([book.get("alert-0")?.key, book.get("alert-2")?.key, book.get("one-more")?.key]).toEqual([
    "alert-0",
    "alert-2",
    "one-more",
  ]);
});

test("a storm of alerts is one write, and closing writes what is left", async () => {
  const documents = createDocument();
  const { book, clock } = await open(documents);
  for (let number = 0; number < 100; number++) book.put(firing(`alert-${number}`));
  clock.advance(1_000);
  await book.close();
  expect(documents.written).toHaveLength(1);
  book.remove("alert-7");
  await book.close();
  const { book: again } = await open(documents);
  expect([again.get("alert-7"), again.get("alert-8")?.key]).toEqual([undefined, "alert-8"]);
});

test("what wants a release held is known by release, the oldest first, until a person has ended its own hold", async () => {
  const documents = createDocument();
  const { book } = await open(documents);
  book.put(firing("late", { r1: "hold" }));
  book.put({ ...firing("a", { r1: "hold", r2: "revert" }), since: 0 });
  book.put(firing("b", { r1: "hold" }));
  expect([keys(book.wantHeld("r1")), book.wantHeld("r2"), book.wantHeld("constructor")]).toEqual([
    ["a", "late", "b"],
    [],
    [],
  ]);
  book.overrule("r1", "a", "anna");
  expect([keys(book.wantHeld("r1")), keys(book.overruled("r1"))]).toEqual([["late", "b"], ["a"]]);
  expect(book.get("a")).toMatchObject({ asked: { r1: "overruled", r2: "revert" }, overruledBy: { r1: "anna" } });
  // Kept at once: the log has the person's word already.
  await book.keep();
  expect(documents.written).toHaveLength(1);
  const { book: again } = await open(documents);
  expect([keys(again.wantHeld("r1")), keys(again.overruled("r1"))]).toEqual([["late", "b"], ["a"]]);
});

test("a book from before it was kept who overruled what is read all the same", async () => {
  const { overruledBy: _later, ...before } = firing("a", { r1: "overruled" });
  const { book } = await open(createDocument(JSON.stringify([before])));
  expect(book.overruled("r1")).toMatchObject([{ key: "a", overruledBy: {} }]);
});

test("a book that cannot be read is begun anew, and the origin starts all the same", async () => {
  for (const json of ["{", "[7]", '[{"key":"a"}]']) {
    const { book } = await open(createDocument(json));
    expect(book.wantHeld("r1")).toEqual([]);
  }
});

test("what is to be kept at once is, and a store that hangs is waited for a second", async () => {
  const documents = createDocument();
  const { book, clock } = await open(documents);
  book.put(firing("a"));
  await book.keep();
  expect(documents.written).toHaveLength(1);
  await book.keep();
  expect(documents.written).toHaveLength(1);

  const hanging = { ...documents, putDocument: () => new Promise<void>(() => undefined) };
  const { book: other } = await open(hanging, clock);
  other.put(firing("b"));
  const kept = other.keep();
  clock.advance(1_000);
  await kept;
});
