// The stand-in for the merchandising system: a plain HTTP server that knows nothing of Sluice.
import { parseArgs } from "node:util";
import { createCatalogue, defaultSeed } from "./catalogue/catalogue.ts";
import { createPriceFiles, fileNames, toNdjson } from "./catalogue/price-files.ts";
import { listen } from "./stage/child.ts";
import { createUpstream } from "./upstream/offers.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    seed: { type: "string", default: String(defaultSeed) },
  },
});
const seed = Number(values.seed);

const articles = createCatalogue(seed);
const prices = createPriceFiles(articles, seed);
const files = new Map([
  ...fileNames.map((name) => [`${name}.ndjson`, toNdjson(prices[name])] as const),
  ["stock.ndjson", toNdjson(articles.map(({ sku, stock }) => ({ key: sku, value: { stock } })))] as const,
  ["costs.ndjson", toNdjson(articles.map(({ sku, costFen }) => ({ key: sku, value: costFen })))] as const,
]);

listen(createUpstream(files, "v1"), Number(values.port), `the merchandising system (seed ${seed})`);
