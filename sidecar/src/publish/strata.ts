import type { BaseRef, RecordCursor } from "@sluice/core";
import { isSluiceError, murmur3, openRecordCursor, partIndexOf, SluiceError } from "@sluice/core";
import type { OpenBlob } from "@sluice/replica";
import { compareKeys } from "./group.ts";
import { bufferOf, packedEnd } from "./records.ts";
import { type GroupSpan, lowestHash } from "./spool.ts";

/** Opens a blob by name. Throws BLOB_UNKNOWN. */
export type OpenBlobByName = (name: string) => OpenBlob;

/** What lies over the base of a version in one group; null was removed. */
export type OverlayEntries = readonly (readonly [key: string, canonical: string | null])[];

/** A version in one group of the key hash. */
export interface VersionGroup {
  readonly base: BaseRef;
  readonly overlay: OverlayEntries;
}

/** An item as it lies in memory; without a value where it is one that was removed. */
export interface ItemSpan {
  readonly keyHash: number;
  readonly bytes: Buffer;
  /** From here to `end` is what an item's hash is over: the length of the key, the key, the value. */
  readonly itemStart: number;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly end: number;
}

/** Walks through the keys of a version in the order of a part. What it shows is good until the next `next`. */
export interface VersionWalk {
  /** Goes to the next key; false after the last. Throws CORRUPT, naming the file. */
  next(): boolean;
  /** The key that it stands at: any record that has it. */
  readonly key: ItemSpan;
  /** The item as the base has it, parts and layers; null where there is none. */
  readonly inBase: ItemSpan | null;
  /** The item of the version; null where there is none. */
  readonly item: ItemSpan | null;
  /** Throws CORRUPT where a record of this key is not what was written. What is equal to good bytes needs no such proof. */
  check(): void;
  close(): void;
}

/** One of the layers of a version, newest over oldest. */
interface Stratum extends ItemSpan {
  next(): boolean;
  check(): void;
  close(): void;
}

/** Walks through one group of a version. */
export function walkVersion({ base, overlay }: VersionGroup, span: GroupSpan, open: OpenBlobByName): VersionWalk {
  const strata = [
    partsStratum(base, span, open),
    ...base.layers.map(({ name }) => new FileStratum("layer", [name], lowestHash(span), open)),
    overlayStratum(overlay),
  ];
  return new Walk(strata, highestHash(span));
}

class Walk implements VersionWalk {
  key: ItemSpan = none;
  inBase: ItemSpan | null = null;
  item: ItemSpan | null = null;
  private readonly strata: readonly Stratum[];
  private readonly highest: number;
  /** Of each stratum, whether it stands at a key of the group. */
  private readonly live: boolean[];
  /** Of each stratum, whether it stands at the present key. */
  private readonly here: boolean[];

  constructor(strata: readonly Stratum[], highest: number) {
    this.strata = strata;
    this.highest = highest;
    this.live = strata.map(() => true);
    // Every one of them is moved by the first step.
    this.here = strata.map(() => true);
  }

  next(): boolean {
    const { strata, live, here } = this;
    let least: Stratum | undefined;
    for (let index = 0; index < strata.length; index++) {
      const stratum = strata[index] as Stratum;
      if (live[index] && here[index]) live[index] = stratum.next() && stratum.keyHash <= this.highest;
      here[index] = false;
      if (!live[index]) continue;
      const order = least === undefined ? -1 : compareItems(stratum, least);
      if (order < 0) here.fill(false, 0, index);
      if (order <= 0) {
        least = stratum;
        here[index] = true;
      }
    }
    if (least === undefined) return false;
    this.key = least;
    this.inBase = null;
    for (let index = 0; index < strata.length - 1; index++) {
      if (here[index]) this.inBase = itemOf(strata[index] as Stratum);
    }
    this.item = here.at(-1) === true ? itemOf(strata.at(-1) as Stratum) : this.inBase;
    return true;
  }

  check(): void {
    for (const [index, stratum] of this.strata.entries()) if (this.here[index]) stratum.check();
  }

  close(): void {
    for (const stratum of this.strata) stratum.close();
  }
}

const none: ItemSpan = { keyHash: 0, bytes: Buffer.alloc(0), itemStart: 0, keyStart: 0, keyEnd: 0, end: 0 };

function itemOf(stratum: Stratum): ItemSpan | null {
  return stratum.end > stratum.keyEnd ? stratum : null;
}

/** The order of a part: by key hash, then by key in UTF-16 order. */
export function compareItems(a: ItemSpan, b: ItemSpan): number {
  if (a.keyHash !== b.keyHash) return a.keyHash - b.keyHash;
  if (sameBytes(a.bytes, a.keyStart, a.keyEnd, b.bytes, b.keyStart, b.keyEnd)) return 0;
  return compareKeys(keyOf(a), keyOf(b));
}

/** Whether two items of one key have one value, or are both none. */
export function sameValue(a: ItemSpan | null, b: ItemSpan | null): boolean {
  if (a === null || b === null) return a === b;
  return a === b || sameBytes(a.bytes, a.keyEnd, a.end, b.bytes, b.keyEnd, b.end);
}

/** The key of an item. */
export function keyOf({ bytes, keyStart, keyEnd }: ItemSpan): string {
  return bytes.toString("utf8", keyStart, keyEnd);
}

/** The canonical text of an item's value. */
export function textOf({ bytes, keyEnd, end }: ItemSpan): string {
  return bytes.toString("utf8", keyEnd, end);
}

function sameBytes(a: Buffer, aStart: number, aEnd: number, b: Buffer, bStart: number, bEnd: number): boolean {
  const length = aEnd - aStart;
  if (length !== bEnd - bStart) return false;
  // A call into native code costs as much as walking through some tens of bytes.
  if (length > 48) return a.compare(b, bStart, bEnd, aStart, aEnd) === 0;
  for (let index = 0; index < length; index++) if (a[aStart + index] !== b[bStart + index]) return false;
  return true;
}

/** The parts that hold keys of a group, one after another: equal ranges of the key hash in order. */
function partsStratum({ parts }: BaseRef, span: GroupSpan, open: OpenBlobByName): Stratum {
  const first = partIndexOf(lowestHash(span), parts.length);
  const last = partIndexOf(highestHash(span), parts.length);
  const names = parts.slice(first, last + 1).map(({ name }) => name);
  return new FileStratum("part", names, lowestHash(span), open);
}

/** Files one after another, each opened when it is come to. */
class FileStratum implements Stratum {
  keyHash = 0;
  bytes: Buffer = none.bytes;
  itemStart = 0;
  keyStart = 0;
  keyEnd = 0;
  end = 0;
  private readonly kind: "part" | "layer";
  private readonly names: readonly string[];
  private readonly from: number;
  private readonly open: OpenBlobByName;
  private at = 0;
  private blob: OpenBlob | undefined;
  private cursor: RecordCursor | undefined;
  /** What `bytes` is a view of. */
  private block: Uint8Array = none.bytes;

  constructor(kind: "part" | "layer", names: readonly string[], from: number, open: OpenBlobByName) {
    this.kind = kind;
    this.names = names;
    this.from = from;
    this.open = open;
  }

  next(): boolean {
    for (; this.at < this.names.length; this.at++) {
      const name = this.names[this.at] as string;
      try {
        this.cursor ??= this.begin(name);
        if (this.cursor.next()) return this.show(this.cursor);
      } catch (error) {
        throw namedFile(error, name);
      }
      this.close();
    }
    return false;
  }

  check(): void {
    try {
      this.cursor?.check();
    } catch (error) {
      throw namedFile(error, this.names[this.at] as string);
    }
  }

  close(): void {
    this.blob?.close();
    this.blob = undefined;
    this.cursor = undefined;
  }

  private begin(name: string): RecordCursor {
    const blob = this.open(name);
    this.blob = blob;
    return openRecordCursor(this.kind, (position, length) => blob.read(position, length), blob.bytes, this.from);
  }

  private show(cursor: RecordCursor): true {
    if (cursor.bytes !== this.block) {
      this.block = cursor.bytes;
      this.bytes = bufferOf(cursor.bytes);
    }
    this.keyHash = cursor.keyHash;
    this.itemStart = cursor.itemStart;
    this.keyStart = cursor.keyStart;
    this.keyEnd = cursor.keyEnd;
    this.end = cursor.end;
    return true;
  }
}

/** What lies over a base: few items, which were proved when they came. */
function overlayStratum(overlay: OverlayEntries): Stratum {
  const entries = overlay
    .map(([key, canonical]) => ({ key, canonical: canonical ?? "", keyHash: murmur3(key) }))
    .sort((a, b) => a.keyHash - b.keyHash || compareKeys(a.key, b.key));
  let at = -1;
  const stratum = {
    ...none,
    next() {
      const entry = entries[++at];
      if (entry === undefined) return false;
      const keyBytes = Buffer.byteLength(entry.key);
      const bytes = Buffer.allocUnsafe(4 + keyBytes + Buffer.byteLength(entry.canonical));
      bytes.writeUInt32BE(keyBytes, 0);
      bytes.write(entry.key, 4, "utf8");
      bytes.write(entry.canonical, 4 + keyBytes, "utf8");
      const { keyHash } = entry;
      Object.assign(stratum, { keyHash, bytes, itemStart: 0, keyStart: 4, keyEnd: 4 + keyBytes, end: bytes.length });
      return true;
    },
    check: () => {},
    close: () => {},
  };
  return stratum;
}

/** A packed record of an upload. */
export function spanOf(bytes: Buffer, view: DataView, position: number, keyHash: number): ItemSpan {
  const keyStart = position + 8;
  const keyEnd = keyStart + view.getUint32(position + 4);
  return { keyHash, bytes, itemStart: position + 4, keyStart, keyEnd, end: packedEnd(view, position) };
}

function highestHash({ index, count }: GroupSpan): number {
  return lowestHash({ index: index + 1, count }) - 1;
}

/** A file that this version stands on is damaged or gone, which for whoever wants to compare with it is the same. */
function namedFile(error: unknown, name: string): unknown {
  if (!isSluiceError(error, "CORRUPT", "BLOB_UNKNOWN")) return error;
  return new SluiceError(
    "CORRUPT",
    `nothing can be compared with the stable version, part ${name} of which cannot be read (${error.message}); publish the file again that it was made of, or stop the instance, put it back into blobs/ from a backup or a sidecar's directory, start again`,
    { details: { ...error.details, part: name }, cause: error },
  );
}
