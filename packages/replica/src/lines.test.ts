import { type Content, createVirtualClock, type Event, type JsonValue, type LoggedEvent, own } from "@sluice/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createLines, type Lines } from "./lines.ts";
import { createLocal, endOf, type Local, recordAnnouncements } from "./local.testing.ts";
import { createTestLog, type Items, type Model, readAll, type TestLog } from "./log.testing.ts";
import { createShelf } from "./shelf.ts";

const items = (entries: Record<string, JsonValue>): Items => new Map(Object.entries(entries));
const newLog = (): TestLog => createTestLog({ clock: createVirtualClock() });
const shown = (local: Local, dataset = "prices"): Model => {
  const { stable = null, candidate = null } = local.lines.current().get(dataset) ?? {};
  return { stable: readAll(stable), candidate: readAll(candidate) };
};

test("a version is not shown before all of it is here, and the state does not wait for it", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1, b: 2 }), true));
  expect(shown(local)).toEqual({ stable: null, candidate: null });
  expect(own(local.state().datasets, "prices")?.stable?.number).toBe(1);
  await local.deliver(log.blobs, 1);
  expect(shown(local).stable).toBe(null);
  await local.deliver(log.blobs);
  expect(shown(local).stable).toEqual(items({ a: 1, b: 2 }));
});

test("patches that come before the content are laid over it in order", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1, b: 2 }), true));
  local.fold(log.patch("prices", items({ a: 5 })), log.patch("prices", items({ a: 6 }), ["b"]));
  await local.deliver(log.blobs);
  expect(shown(local).stable).toEqual(items({ a: 6 }));
  expect(local.lines.current().get("prices")?.stable?.number).toBe(3);
});

test("stable stays at its last version while what went live is on its way, and goes back to nothing by nothing", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true));
  await local.deliver(log.blobs);
  local.fold(await log.publish("prices", items({ a: 2 }), true), log.patch("prices", items({ b: 1 })));
  expect(shown(local).stable).toEqual(items({ a: 1 }));
  await local.deliver(log.blobs);
  expect(shown(local).stable).toEqual(items({ a: 2, b: 1 }));
});

test("a completed release whose candidate never arrived leaves the old stable version standing", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true));
  await local.deliver(log.blobs);
  local.fold(await log.publish("prices", items({ a: 2 }), false), log.release("prices", "r1"));
  local.fold(
    log.append({ type: "release-promoted", release: "r1", reason: "", evidence: null }),
    log.append(endOf("release-completed", "r1")),
  );
  expect(shown(local)).toEqual({ stable: items({ a: 1 }), candidate: null });
  await local.deliver(log.blobs);
  expect(shown(local)).toEqual({ stable: items({ a: 2 }), candidate: null });
});

test("a revert shows stable at once and lets go of the candidate", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true));
  local.fold(await log.publish("prices", items({ a: 2 }), false), log.release("prices", "r1"));
  await local.deliver(log.blobs);
  expect(shown(local).candidate).toEqual(items({ a: 2 }));
  const before = local.lines.current().get("prices")?.stable;
  local.fold(log.append(endOf("release-reverted", "r1")));
  expect(local.lines.current().get("prices")).toEqual({ stable: before, candidate: null });
  expect(local.lines.versions().size).toBe(1);
});

test("what was superseded is not fetched any more", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true));
  await local.deliver(log.blobs);
  local.fold(await log.publish("prices", items({ a: 2, b: 1, c: 1 }), false));
  const second = local.lines.missing();
  local.fold(await log.publish("prices", items({ a: 3, b: 3, c: 3 }), false));
  expect(second.length).toBeGreaterThan(0);
  for (const { name } of second) expect(local.lines.missing().map((blob) => blob.name)).not.toContain(name);
});

test("parts that did not change keep their names and are not missing", async () => {
  const log = newLog();
  const local = createLocal();
  const many = new Map(Array.from({ length: 200 }, (_, index) => [`key-${index}`, index]));
  local.fold(log.create("prices"), await log.publish("prices", many, true, 8));
  await local.deliver(log.blobs);
  local.fold(await log.publish("prices", new Map([...many, ["key-7", -1]]), false, 8));
  expect(local.lines.missing().length).toBe(1);
});

test("only the datasets that are asked for are held", async () => {
  const log = newLog();
  const local = createLocal(["stock"]);
  local.fold(
    log.create("prices"),
    await log.publish("prices", items({ a: 1 }), true),
    log.patch("prices", items({ a: 2 })),
  );
  local.fold(log.create("stock"), await log.publish("stock", items({ a: 9 }), true));
  await local.deliver(log.blobs);
  expect([...local.lines.current().keys()]).toEqual(["stock"]);
  expect(shown(local, "stock").stable).toEqual(items({ a: 9 }));
  expect(own(local.state().datasets, "prices")?.stable?.number).toBe(2);
});

test("what nothing is shown of is fetched first, candidates last", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true, 1));
  await local.deliver(log.blobs);
  const candidate = await log.publish("prices", items({ a: 2 }), false, 1);
  const live = await log.publish("prices", items({ a: 3 }), true, 1);
  local.fold(candidate, live, log.create("stock"), await log.publish("stock", items({ s: 1 }), true, 1));
  const partOf = (dataset: string, line: "stable" | "candidate"): string | undefined =>
    log.lines.current().get(dataset)?.[line]?.base.parts[0]?.name;
  expect(local.lines.missing().map(({ name }) => name)).toEqual([
    partOf("stock", "stable"),
    partOf("prices", "stable"),
    partOf("prices", "candidate"),
  ]);
});

test("a patch that does not come to what was published breaks the line: it is said, and what was shown before stays", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true));
  local.fold(await log.publish("prices", items({ a: 2 }), false));
  await local.deliver(log.blobs);
  const logged = log.patch("prices", items({ b: 1 }));
  const wrong = { contentHash: "0".repeat(64), items: 2, number: 3 };
  local.fold({ ...logged, event: { ...logged.event, stable: wrong } as Event });
  expect(local.faults).toMatchObject([{ dataset: "prices", blob: null, error: { code: "CORRUPT" } }]);
  expect(shown(local)).toEqual({ stable: items({ a: 1 }), candidate: items({ a: 2, b: 1 }) });
  expect(local.lines.prepared()).toBe(false);
  expect(local.lines.pack()).toBe(null);

  local.lines.reset(log.state(), await log.contents());
  expect(shown(local).stable).toEqual(items({ a: 1, b: 1 }));
  expect(local.lines.prepared()).toBe(true);
});

test("where nothing is shown yet, the version that was on its way first is read until its successor is here", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true, 1));
  local.fold(
    await log.publish("prices", items({ a: 2 }), true, 1),
    await log.publish("prices", items({ a: 3 }), true, 1),
  );
  expect(local.lines.missing().length).toBe(2);
  await local.deliver(log.blobs, 1);
  expect(shown(local)).toEqual({ stable: items({ a: 1 }), candidate: null });
  expect(local.lines.prepared()).toBe(false);
  expect(local.lines.missing().length).toBe(1);
  await local.deliver(log.blobs);
  expect(shown(local)).toEqual({ stable: items({ a: 3 }), candidate: null });
  expect(local.lines.missing()).toEqual([]);
});

test("a version that was on its way is not waited for where its successor comes first", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true, 1));
  local.fold(await log.publish("prices", items({ a: 2 }), true, 1));
  const last = local.lines.missing().at(-1)?.name ?? "";
  await local.blobs.put(last, await log.blobs.read(last));
  local.lines.advance(last);
  expect(shown(local)).toEqual({ stable: items({ a: 2 }), candidate: null });
  expect([local.lines.missing(), local.lines.waitingBlobs()]).toEqual([[], []]);
});

test("a state that names a version without content breaks only that line", async () => {
  const log = newLog();
  const local = createLocal();
  log.create("prices");
  await log.publish("prices", items({ a: 1 }), true);
  log.create("stock");
  await log.publish("stock", items({ s: 1 }), true);
  const { stock } = await log.contents();
  local.lines.reset(log.state(), stock === undefined ? {} : { stock });
  expect(local.faults).toMatchObject([{ dataset: "prices", error: { code: "PROTOCOL" } }]);
  await local.deliver(log.blobs);
  expect(shown(local, "stock").stable).toEqual(items({ s: 1 }));
});

test("a whole state keeps the versions that are held already", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(
    log.create("prices"),
    await log.publish("prices", items({ a: 1 }), true),
    log.patch("prices", items({ b: 2 })),
  );
  await local.deliver(log.blobs);
  const before = local.lines.current().get("prices")?.stable;
  local.lines.reset(log.state(), await log.contents());
  expect(local.lines.current().get("prices")?.stable).toBe(before);
});

test("a blob whose bytes are right and whose part is not what the version says is named once, then the line is broken", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"));
  const logged = await log.publish("prices", items({ a: 1 }), true, 1);
  const { event } = logged;
  if (event.type !== "version-published") throw new Error("a publish publishes");
  const parts = event.content.base.parts.map((part) => ({ ...part, items: part.items + 1 }));
  local.fold({ ...logged, event: { ...event, content: { ...event.content, base: { parts, layers: [] } } } });
  await local.deliver(log.blobs);
  expect(local.faults).toMatchObject([{ blob: parts[0]?.name }]);
  // Nothing is tried before the blob was looked at.
  local.lines.advance();
  expect(local.faults.length).toBe(1);
  local.lines.advance(parts[0]?.name);
  expect(local.faults).toMatchObject([{ blob: parts[0]?.name }, { blob: null }]);
  local.lines.advance(parts[0]?.name);
  expect(local.faults.length).toBe(2);
});

test("a line that waits for its content behind more patches than the bound is given up, for the whole state to bring it", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true));
  for (let count = 0; count < 10_000; count++) local.fold(log.patch("prices", items({ a: count + 2 })));
  expect(local.faults).toEqual([]);
  local.fold(log.patch("prices", items({ a: 0 })));
  expect(local.faults).toMatchObject([{ dataset: "prices", blob: null, error: { code: "NOT_READY" } }]);
  expect(local.lines.missing()).toEqual([]);
  local.lines.reset(log.state(), await log.contents());
  await local.deliver(log.blobs);
  expect(shown(local).stable).toEqual(items({ a: 0 }));
}, 30_000);

test("what is packed is there again after it is unpacked, waiting patches included", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(
    log.create("prices"),
    await log.publish("prices", items({ a: 1 }), true),
    log.patch("prices", items({ z: 0 })),
  );
  await local.deliver(log.blobs);
  local.fold(await log.publish("prices", items({ a: 2 }), true), log.patch("prices", items({ b: 3 })));
  const packed = JSON.parse(JSON.stringify(local.lines.pack())) as NonNullable<ReturnType<Lines["pack"]>>;

  const shelf = createShelf({ blobs: local.blobs, clock: createVirtualClock() });
  const again = createLines({ shelf });
  again.unpack(packed);
  expect(readAll(again.current().get("prices")?.stable ?? null)).toEqual(items({ a: 1, z: 0 }));
  expect(again.missing()).toEqual(local.lines.missing());
  for (const { name } of again.missing()) await local.blobs.put(name, await log.blobs.read(name));
  expect(again.advance()).toBe(true);
  expect(readAll(again.current().get("prices")?.stable ?? null)).toEqual(items({ a: 2, b: 3 }));
});

type Step =
  | { readonly do: "publish"; readonly dataset: string; readonly items: Items; readonly live: boolean }
  | { readonly do: "patch"; readonly dataset: string; readonly set: Items; readonly remove: readonly string[] }
  | { readonly do: "release" | "complete" | "revert" | "supersede"; readonly dataset: string }
  | { readonly do: "deliver"; readonly count: number };

const datasetArbitrary = fc.constantFrom("prices", "stock");
const keyArbitrary = fc.constantFrom("a", "b", "c", "d", "e", "f");
const itemsArbitrary = fc
  .uniqueArray(fc.tuple(keyArbitrary, fc.nat(3)), { selector: ([key]) => key, maxLength: 6 })
  .map((entries): Items => new Map(entries));
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant("publish" as const),
    dataset: datasetArbitrary,
    items: itemsArbitrary,
    live: fc.boolean(),
  }),
  fc.record({
    do: fc.constant("patch" as const),
    dataset: datasetArbitrary,
    set: itemsArbitrary,
    remove: fc.uniqueArray(keyArbitrary, { maxLength: 2 }),
  }),
  fc.record({
    do: fc.constantFrom("release" as const, "complete" as const, "revert" as const, "supersede" as const),
    dataset: datasetArbitrary,
  }),
  fc.record({ do: fc.constant("deliver" as const), count: fc.integer({ min: 1, max: 4 }) }),
);

let releases = 0;
/** Does a step at the origin where it is possible there, and gives the events. */
async function happen(log: TestLog, step: Step): Promise<readonly LoggedEvent[]> {
  if (step.do === "deliver") return [];
  const dataset = own(log.state().datasets, step.dataset);
  const { stable = null, candidate = null, release = null } = dataset ?? {};
  if (step.do === "publish") {
    const possible = release === null && (step.live || stable !== null);
    return possible ? [await log.publish(step.dataset, step.items, step.live)] : [];
  }
  if (step.do === "patch") {
    const remove = step.remove.filter((key) => !step.set.has(key));
    return stable === null || step.set.size + remove.length === 0 ? [] : [log.patch(step.dataset, step.set, remove)];
  }
  if (step.do === "release") {
    return candidate === null || release !== null ? [] : [log.release(step.dataset, `r${++releases}`)];
  }
  if (release === null) return [];
  if (step.do === "complete") return [log.append(endOf("release-completed", release))];
  if (step.do === "revert") return [log.append(endOf("release-reverted", release))];
  const superseded = log.append(endOf("release-superseded", release));
  return [superseded, await log.publish(step.dataset, new Map([["a", releases]]), false)];
}

test("whatever happens and however late content arrives, only prepared versions are shown, and in the end all of them", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(stepArbitrary, { maxLength: 60 }), fc.boolean(), async (steps, forgets) => {
      const log = newLog();
      const local = createLocal(null, forgets ? 2 : undefined);
      const versions = new Map<string, Items | null>();
      /** What the datasets read as at each position that the origin was seen at. */
      const modelsAt = new Map<number, ReadonlyMap<string, Model>>();
      const told = recordAnnouncements(local.announcer);
      local.fold(log.create("prices"), log.create("stock"));

      const remember = (): void => {
        modelsAt.set(log.state().sequence, new Map(log.models()));
        for (const [dataset, { stable, candidate }] of log.lines.current()) {
          for (const version of [stable, candidate]) {
            if (version !== null) versions.set(`${dataset} ${version.number}`, readAll(version));
          }
        }
      };
      remember();

      for (const step of steps) {
        for (const logged of await happen(log, step)) {
          // The step may have been two events; each position has been seen by the origin only at its end.
          local.fold(logged);
        }
        remember();
        if (step.do === "deliver") await local.deliver(log.blobs, step.count);
        holds(log, local, versions, modelsAt);
      }
      while (local.lines.missing().length > 0) await local.deliver(log.blobs);
      holds(log, local, versions, modelsAt);
      expect(local.faults).toEqual([]);
      expect(local.lines.prepared()).toBe(true);
      for (const [dataset, model] of log.models()) expect(shown(local, dataset)).toEqual(model);
      expect(told.filter((each) => typeof each === "number")).toEqual(log.events.map(({ sequence }) => sequence));
      if (!forgets) expect(local.announcer.since(0)).toEqual(log.events);
    }),
    { numRuns: 300 },
  );
}, 60_000);

function holds(
  log: TestLog,
  local: Local,
  versions: ReadonlyMap<string, Items | null>,
  modelsAt: ReadonlyMap<number, ReadonlyMap<string, Model>>,
): void {
  expect(local.state()).toEqual(log.state());
  for (const [dataset, { stable, candidate }] of local.lines.current()) {
    const state = own(local.state().datasets, dataset);
    if (stable !== null) {
      expect(stable.number).toBeLessThanOrEqual(state?.stable?.number ?? 0);
      expect(readAll(stable)).toEqual(versions.get(`${dataset} ${stable.number}`));
    }
    if (candidate !== null) {
      expect(candidate.number).toBe(state?.candidate?.number);
      expect(readAll(candidate)).toEqual(log.models().get(dataset)?.candidate);
    }
    if (local.lines.prepared())
      expect(shown(local, dataset)).toEqual(log.models().get(dataset) ?? { stable: null, candidate: null });
  }
  const { state, lines } = local.announcer.contents();
  expect(local.announcer.since(state.sequence)).not.toBe(null);
  const models = modelsAt.get(state.sequence);
  if (models === undefined) return;
  // Somebody new who has every blob, whatever of it is here.
  const shelf = createShelf({ blobs: log.blobs, clock: createVirtualClock() });
  const read = (content: Content | null): Items | null => (content === null ? null : readAll(shelf.open(content, 1)));
  for (const [dataset, { stable, candidate }] of Object.entries(lines)) {
    expect({ stable: read(stable), candidate: read(candidate) }).toEqual(
      models.get(dataset) ?? { stable: null, candidate: null },
    );
  }
}
