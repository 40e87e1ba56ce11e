import { registerHooks } from "node:module";
import { performance } from "node:perf_hooks";

// Starts an SDK on a directory that has been used before, reads one item, and says what had been loaded by then. The arguments are
// the directory and a key.
const loaded: string[] = [];
registerHooks({
  load(url, context, next) {
    loaded.push(url);
    return next(url, context);
  },
});
const [directory = "", key = ""] = process.argv.slice(2);
const { createClient } = await import("@sluice/sdk");
const startMs = performance.now();
const client = await createClient({
  // Nobody listens there.
  url: "http://127.0.0.1:9",
  app: "reader",
  datasets: { prices: null },
  cacheDirectory: directory,
});
const value = client.view({}).get("prices", key);
const tookMs = performance.now() - startMs;
const heavy = loaded.filter((url) => /\/(zod|undici)\/|node:sqlite/.test(url));
process.stdout.write(JSON.stringify({ value, heavy, loaded: loaded.length, tookMs }));
process.exit(0);
