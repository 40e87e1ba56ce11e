import { createKeySet } from "./key-set.ts";
import { createNdjsonScanner } from "./ndjson-scanner.ts";
import { type ItemReader, type ReadItem, type ReadLimits, repeatedKey } from "./read-item.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Reads NDJSON: one `{"key": string, "value": any}` a line. Empty lines are skipped, CRLF is fine, so is a byte order mark
 * at the start. A bad line is a problem and the next one is read; a key that came before is a problem too.
 * Limits default to `defaultReadLimits`. Problems are INVALID_JSON, INVALID_ITEM, DUPLICATE_KEY and LIMIT_EXCEEDED.
 */
export function createNdjsonReader(limits: Partial<ReadLimits> = {}): ItemReader {
  const seen = createKeySet();
  let items: ReadItem[] = [];
  const scanner = createNdjsonScanner(limits, {
    item(bytes, keyEnd, end, line) {
      const key = decoder.decode(bytes.subarray(0, keyEnd));
      const first = seen.add(key, line);
      const canonical = decoder.decode(bytes.subarray(keyEnd, end));
      items.push(first === 0 ? { kind: "item", key, canonical, line } : repeatedKey(key, line, first));
    },
    problem(problem, key) {
      const first = key === undefined ? 0 : seen.add(key, problem.line);
      items.push(key === undefined || first === 0 ? problem : repeatedKey(key, problem.line, first));
    },
  });
  const taken = (): readonly ReadItem[] => {
    const read = items;
    items = [];
    return read;
  };
  return {
    push(chunk) {
      scanner.push(chunk);
      return taken();
    },
    end() {
      scanner.end();
      return taken();
    },
  };
}
