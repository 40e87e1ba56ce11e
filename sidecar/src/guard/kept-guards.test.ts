import { createGuard, createSequenceLog, defaultGuardConfig, ingest, SluiceError } from "@sluice/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { createKeptGuards, type GuardRecord } from "./kept-guards.ts";

const logger = pino({ level: "silent" });

function recordOf(failures = 0): GuardRecord {
  const state = createGuard(defaultGuardConfig, { epoch: 1, thousandths: 5_000 });
  const failed = failures === 0 ? {} : { error: { count: failures, distinct: failures } };
  const none = { ok: 0, failures: {}, units: [] };
  ingest(state, { epoch: 1, candidate: { ok: 10, failures: failed, units: [] }, control: none });
  return { sequences: createSequenceLog(), guards: new Map([["prices-v2", { state, overruled: false }]]) };
}

/** Documents of a store that answers when it is told to. */
function createDocuments(content: Readonly<Record<string, string>> = {}): {
  readonly map: Map<string, string>;
  readonly puts: string[];
  isAway: boolean;
  hangs: Promise<void>;
  getDocument(name: string): Promise<string | undefined>;
  putDocument(name: string, text: string): Promise<void>;
} {
  const documents = {
    map: new Map(Object.entries(content)),
    puts: [] as string[],
    isAway: false,
    hangs: Promise.resolve(),
    async getDocument(name: string) {
      if (documents.isAway) throw new SluiceError("STORE_UNAVAILABLE", "away");
      return documents.map.get(name);
    },
    async putDocument(name: string, text: string) {
      documents.puts.push(name);
      await documents.hangs;
      documents.map.set(name, text);
    },
  };
  return documents;
}

test("a store that hangs for two minutes is given one record and then the newest, not 120", async () => {
  const documents = createDocuments();
  const { promise, resolve } = Promise.withResolvers<void>();
  documents.hangs = promise;
  const kept = createKeptGuards({ documents, logger });
  for (let second = 0; second < 120; second++) kept.keep(recordOf(second));
  resolve();
  await kept.close();
  expect(documents.puts).toEqual(["guards", "guards"]);
  const restored = await createKeptGuards({ documents, logger }).restore();
  expect(restored.guards.get("prices-v2")?.state.pending.candidateFailures).toBe(119);
});

test("evidence that the store cannot give now is not lost: nothing begins in its place, and it is there when the store is back", async () => {
  const documents = createDocuments();
  const first = createKeptGuards({ documents, logger });
  first.keep(recordOf(3));
  await first.close();
  const kept = createKeptGuards({ documents, logger });
  documents.isAway = true;
  await expect(kept.restore()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  documents.isAway = false;
  expect((await kept.restore()).guards.size).toBe(1);
});

test("evidence whose content cannot be used begins anew", async () => {
  for (const guards of ["{", "null", '{"sequences":{},"guards":{}}']) {
    const restored = await createKeptGuards({ documents: createDocuments({ guards }), logger }).restore();
    expect(restored.guards.size).toBe(0);
  }
});

test("how often evidence was lost is not forgotten while the store cannot say it", async () => {
  const documents = createDocuments();
  const kept = createKeptGuards({ documents, logger });
  expect(await kept.lost("prices-v2", ["prices-v2"])).toBe(1);
  documents.isAway = true;
  await expect(kept.lost("prices-v2", ["prices-v2"])).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  documents.isAway = false;
  expect(await kept.lost("prices-v2", ["prices-v2"])).toBe(2);
  documents.map.set("guard-losses", "{");
  expect(await kept.lost("prices-v2", ["prices-v2"])).toBe(1);
});
