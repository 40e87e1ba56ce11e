// The other way to a first read: JSON.parse of the whole file into a Map.
import { readFileSync, writeSync } from "node:fs";

const [path, key] = process.argv.slice(2);
const map = new Map();
const bytes = readFileSync(path);
for (let start = 0; start < bytes.length; ) {
  const end = bytes.indexOf(10, start);
  const line = JSON.parse(bytes.latin1Slice(start, end));
  map.set(line.key, line.value);
  start = end + 1;
}
const value = map.get(key);
const at = process.hrtime.bigint();
writeSync(1, JSON.stringify({ at: Number(at), price: value.price, loaded: [] }));
process.exit(0);
