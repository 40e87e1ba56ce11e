// Run from where the packed packages are installed: opens what is on disk, reads one item, says when.
import { writeSync } from "node:fs";
import { createClient } from "@sluice/sdk";

const [url, cacheDirectory, key] = process.argv.slice(2);
const client = await createClient({ url, app: "bench", datasets: { prices: null }, cacheDirectory });
const value = client.view({ targetingKey: "user-42" }).get("prices", key);
const at = process.hrtime.bigint();
writeSync(1, JSON.stringify({ at: Number(at), price: value.price, loaded: globalThis.loadedUrls ?? [] }));
process.exit(0);
