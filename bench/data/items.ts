import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { mixed } from "./random.ts";

/** What an item of the bench is: about 150 bytes of key and canonical text. */
export interface Price {
  readonly price: number;
  readonly list: number;
  readonly currency: string;
  readonly tax: number;
  /** From how many pieces another price holds. */
  readonly tiers: readonly { readonly from: number; readonly price: number }[];
  readonly until: string;
  /** Set by a patch, so that a reader can tell which one it sees. */
  readonly stamp?: number;
}

/** An item as a line of NDJSON has it. */
export interface Line {
  readonly key: string;
  readonly value: Price;
}

const seed = 1111;
const currencies = ["CNY", "EUR", "JPY", "USD"];
const chunkBytes = 1_048_576;

/** The key of item `index`, a string that was made just now, as one that comes out of a request is. */
export function keyOf(index: number): string {
  return `sku-${String(index).padStart(7, "0")}`;
}

/** Item `index` as edition `edition` of the file has it; edition 0 is the first. */
export function priceOf(index: number, edition: number): Price {
  const random = mixed(seed, index);
  const list = 500 + (random % 90_000);
  // Each edition changes about one item in a hundred.
  const changed = edition > 0 && mixed(seed, index, edition) % 100 === 0 ? edition : 0;
  const price = Math.ceil(list * (0.6 + ((random >>> 8) % 40) / 100)) + changed;
  return {
    price,
    list,
    currency: currencies[(random >>> 4) % 4] ?? "CNY",
    tax: ((random >>> 12) % 22) / 100,
    tiers: [
      { from: 10, price: Math.ceil(price * 0.95) },
      { from: 100, price: Math.ceil(price * 0.9) },
    ],
    until: `2026-11-${String(1 + ((random >>> 24) % 30)).padStart(2, "0")}T00:00:00Z`,
  };
}

/** Writes `items` items as NDJSON. */
export function writeNdjson(path: string, items: number, edition: number): void {
  const file = openSync(path, "w");
  let text = "";
  for (let index = 0; index < items; index++) {
    text += `{"key":"${keyOf(index)}","value":${JSON.stringify(priceOf(index, edition))}}\n`;
    if (text.length >= chunkBytes || index === items - 1) {
      writeSync(file, text);
      text = "";
    }
  }
  closeSync(file);
}

/** The lines of a file, each as the bytes between two line ends; valid until the next one is asked for. */
export function* linesOf(path: string): Generator<Buffer, void> {
  const file = openSync(path, "r");
  try {
    let buffer = Buffer.allocUnsafe(chunkBytes);
    let filled = 0;
    for (;;) {
      if (filled === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2);
      const count = readSync(file, buffer, filled, buffer.length - filled, null);
      if (count === 0) break;
      filled += count;
      let start = 0;
      for (let end = buffer.indexOf(10); end !== -1 && end < filled; end = buffer.indexOf(10, start)) {
        yield buffer.subarray(start, end);
        start = end + 1;
      }
      buffer.copyWithin(0, start, filled);
      filled -= start;
    }
    if (filled > 0) yield buffer.subarray(0, filled);
  } finally {
    closeSync(file);
  }
}

/** A line's key and value. */
export function parseLine(line: Buffer): Line {
  return JSON.parse(line.toString()) as Line;
}
