import { SluiceError } from "../error.ts";
import { keyFault, showKey } from "./key.ts";
import { murmur3 } from "./murmur3.ts";
import { type PartKind, partBytesMax, recordHeaderBytes } from "./part.ts";
import { assemblePart, type BuiltLayer } from "./part-assembly.ts";
import { utf8Length, writeUtf8 } from "./utf8.ts";

/** An item as it is stored: a key and the canonical JSON text of its value. */
export interface Item {
  readonly key: string;
  readonly canonical: string;
}

/** A part file in memory. */
export interface BuiltPart {
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes, 64 hex digits. */
  readonly name: string;
  readonly itemCount: number;
  /** Content hash of the items, 64 hex digits. */
  readonly contentHash: string;
}

/** What a layer says of a key: the canonical JSON text of its value, or null for an item that was removed. */
export interface LayerItem {
  readonly key: string;
  readonly canonical: string | null;
}

/** Removed where the text is empty. */
interface Entry extends Item {
  readonly keyHash: number;
}

/**
 * Builds a part file. The same items give the same bytes in whatever order they come. The values have to be canonical
 * texts already; they are not parsed.
 * Throws DUPLICATE_KEY on a repeated key, INVALID_ITEM on a key or value that no part can hold, LIMIT_EXCEEDED past 4 GiB.
 */
export function buildPart(items: Iterable<Item>): BuiltPart {
  const { bytes, name, itemCount, contentHash } = build("part", sortedEntries(items));
  return { bytes, name, itemCount, contentHash };
}

/** Builds a layer, as `buildPart` does a part and with its errors. */
export function buildLayer(items: Iterable<LayerItem>): BuiltLayer {
  return build("layer", sortedEntries(items));
}

function build(kind: PartKind, entries: readonly Entry[]): BuiltLayer {
  let recordsBytes = 0;
  for (const { key, canonical } of entries) recordsBytes += recordHeaderBytes + utf8Length(key) + utf8Length(canonical);
  return assemblePart(
    kind,
    { recordCount: entries.length, recordsBytes },
    (index, bytes, view, position) => {
      const { key, canonical } = entries[index] as Entry;
      const keyBytes = writeUtf8(key, bytes, position + recordHeaderBytes);
      const valueBytes = writeUtf8(canonical, bytes, position + recordHeaderBytes + keyBytes);
      view.setUint32(position + 4, valueBytes);
      view.setUint32(position + 8, keyBytes);
      return position + recordHeaderBytes + keyBytes + valueBytes;
    },
    (index) => (entries[index] as Entry).keyHash,
  );
}

function sortedEntries(items: Iterable<LayerItem>): Entry[] {
  const entries: Entry[] = [];
  for (const { key, canonical } of items) {
    const fault = keyFault(key, partBytesMax);
    if (fault !== undefined) throw new SluiceError(fault.code, fault.reason, { details: { key } });
    if (canonical === "" || canonical?.isWellFormed() === false) {
      throw new SluiceError("INVALID_ITEM", `expected a canonical JSON text for ${showKey(key)}, came something else`);
    }
    entries.push({ key, canonical: canonical ?? "", keyHash: murmur3(key) });
  }
  entries.sort((a, b) => a.keyHash - b.keyHash || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  for (let index = 1; index < entries.length; index++) {
    const key = entries[index]?.key as string;
    if (key !== entries[index - 1]?.key) continue;
    throw new SluiceError("DUPLICATE_KEY", `expected each key once, came ${showKey(key)} again`, { details: { key } });
  }
  return entries;
}
