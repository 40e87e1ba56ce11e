import { writeSync } from "node:fs";
import { registerHooks } from "node:module";

// Runs as a process of first-read.test.ts: starts from a directory, reads one item, says what it came to and which modules were asked for.
const [directory = "", key = ""] = process.argv.slice(2);
const asked: string[] = [];
registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    asked.push(resolved.url);
    return resolved;
  },
});
const { createClient } = await import("./index.ts");
const client = await createClient({
  // Nobody is there: what is read comes from the disk.
  url: "http://127.0.0.1:9",
  app: "first-read",
  datasets: { prices: null },
  cacheDirectory: directory,
});
const item = client.view().get("prices", key);
writeSync(1, JSON.stringify({ item, asked }));
process.exit(0);
