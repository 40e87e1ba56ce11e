import { writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { canonicalJson, createContentHash, isSluiceError, itemHash, type JsonValue } from "@sluice/core";
import { createClient } from "@sluice/sdk";

// An application that reads a whole dataset through one view after another, and tells of each which version it was said to be
// and what the items add up to.

const { values } = parseArgs({
  options: { url: { type: "string" }, cache: { type: "string" }, dataset: { type: "string", multiple: true } },
});
const { url = "", cache = "", dataset: datasets = [] } = values;

const client = await createClient({
  url,
  app: "reader",
  cacheDirectory: cache,
  // To read all of a large dataset takes longer than any request may, where the machine has much else to do.
  viewMaxAgeMs: 600_000,
  datasets: Object.fromEntries(datasets.map((name) => [name, null])),
  waitForReady: false,
});

for (let round = 0; ; round++) {
  const name = datasets[round % datasets.length] as string;
  const view = client.view();
  const version = view.version(name);
  if (version !== null) tell({ dataset: name, version, ...sumOf(() => view.entries(name)) });
  await sleep(30);
}

function sumOf(entries: () => Iterable<readonly [string, unknown]>): object {
  const sum = createContentHash();
  let items = 0;
  try {
    for (const [key, value] of entries()) {
      sum.add(itemHash(key, canonicalJson(value as JsonValue)));
      items++;
    }
  } catch (error) {
    // A view of a slow machine; a file that was let go of, or that is damaged, is told to the application in so many words.
    if (isSluiceError(error)) return { code: error.code, message: error.message };
    throw error;
  }
  return { contentHash: sum.hex(), items };
}

function tell(line: object): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}
