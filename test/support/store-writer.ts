import { writeSync } from "node:fs";
import { openEmbeddedStore } from "../../sidecar/src/store/embedded-store.ts";
import { appendAfter } from "./store-story.ts";

// Appends to the store in the given directory until it is killed, eight appends at a time. Tells on standard output
// what it does: `opening`, `opened`, and the last event of each append that was acknowledged.
const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error("which directory?");

const tell = (line: string): void => void writeSync(1, `${line}\n`);

tell("opening");
const store = await openEmbeddedStore({ directory, clock: { wall: () => 0 }, newLogId: () => "log-1" });
let last = 0;
for await (const { sequence } of store.log.read(0)) last = sequence;
tell("opened");

const flying: Promise<void>[] = [];
while (true) {
  const append = appendAfter(last);
  const end = last + append.events.length;
  flying.push(store.log.append(append).then(() => tell(`${end}`)));
  last = end;
  if (flying.length >= 8) await flying.shift();
}
