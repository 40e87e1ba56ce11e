import {
  type Clock,
  type LayerRef,
  messageOf,
  type OverlayValue,
  openLayer,
  openPart,
  type PartKind,
  type PartRef,
  type PositionalRead,
  parsePartHeader,
  partHeaderBytes,
  SluiceError,
  type Timer,
} from "@sluice/core";
import type { Blobs, OpenBlob } from "./blobs.ts";

/** For how long a file that no retained version needs stays open, so that views on old versions keep reading. */
export const partGraceMs = 30_000;

/** Holds a header and table of a part of 2 MiB, and the blocks that a walk reads. Whatever is longer gets a buffer of its own. */
const scratchBytes = 128 * 1024;

/** An open file of a base, shared by every version that stands on it. */
interface BaseFile<Value> {
  readonly name: string;
  /** `keyHash` is the key's MurmurHash3. Throws CORRUPT, naming the file, or CLOSED where it was let go more than `partGraceMs` ago. */
  get(key: string, keyHash: number): Value | undefined;
  entries(): Iterable<readonly [key: string, value: Value]>;
}

/** An open part: canonical texts. */
export type Part = BaseFile<string>;

/** An open layer: canonical texts, or REMOVED. */
export type Layer = BaseFile<OverlayValue>;

/** A file that turned out to be damaged. */
export interface DamagedFile {
  readonly name: string;
  readonly bytes: number;
}

/** The open files of bases, by name. */
export interface Parts {
  /** Opens a part and compares its header with what is said of it. Throws BLOB_UNKNOWN, or CORRUPT naming the part. */
  part(ref: PartRef): Part;
  /** The same for a layer. */
  layer(ref: LayerRef): Layer;
  /** Files of which a read failed, since when they were not opened again. */
  damaged(): ReadonlyMap<string, DamagedFile>;
  /** Whether a version stands on the file, or did within the grace. */
  isOpen(name: string): boolean;
  /** Opens a file anew, under the versions that stand on it; nothing where it is not open. Throws as opening does. */
  reopen(name: string): void;
  /** Closes every other file after the grace. */
  retain(names: ReadonlySet<string>): void;
  close(): void;
}

/** A file that is or was open. */
interface Handle {
  reopen(): void;
  close(): void;
}

/** What is said of a file. */
interface FileFacts {
  readonly kind: PartKind;
  readonly name: string;
  readonly bytes: number;
  readonly records: number;
  readonly contentHash: string;
}

interface Records<Value> {
  get(key: string, keyHash: number): Value | undefined;
  entries(): Iterable<readonly [key: string, value: Value]>;
}

type OpenRecords<Value> = (read: PositionalRead, byteLength: number) => Records<Value>;

/** Opens no file at first. `onDamage` is called once for each file that turns out to be damaged, from within the read. */
export function createParts(dependencies: {
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly onDamage: (name: string, error: SluiceError) => void;
}): Parts {
  const { blobs, clock, onDamage } = dependencies;
  // A buffer for each read costs a tenth of the read, and twice the heap outside of the heap before it is collected.
  const scratch = Buffer.allocUnsafeSlow(scratchBytes);
  const parts = new Map<string, Part & Handle>();
  const layers = new Map<string, Layer & Handle>();
  const damaged = new Map<string, DamagedFile>();
  /** When a file that nobody needs is closed. */
  const closing = new Map<string, number>();
  let timer: Timer | undefined;

  const damage = ({ name, bytes }: FileFacts, error: SluiceError): void => {
    if (damaged.has(name)) return;
    damaged.set(name, { name, bytes });
    onDamage(name, error);
  };

  const open = <Value>(
    held: Map<string, BaseFile<Value> & Handle>,
    facts: FileFacts,
    openRecords: OpenRecords<Value>,
  ): BaseFile<Value> => {
    closing.delete(facts.name);
    const file = held.get(facts.name) ?? createFile(facts, { blobs, scratch, openRecords, damage });
    held.set(facts.name, file);
    return file;
  };

  const handleOf = (name: string): Handle | undefined => parts.get(name) ?? layers.get(name);

  const close = (name: string): void => {
    handleOf(name)?.close();
    parts.delete(name);
    layers.delete(name);
    closing.delete(name);
    damaged.delete(name);
  };

  const closeDue = (): void => {
    timer = undefined;
    for (const [name, dueMs] of closing) if (dueMs <= clock.now()) close(name);
    armTimer();
  };

  const armTimer = (): void => {
    const [first] = closing.values();
    if (timer === undefined && first !== undefined) timer = clock.setTimer(first - clock.now(), closeDue);
  };

  const names = (): readonly string[] => [...parts.keys(), ...layers.keys()];

  return {
    part: (ref) => open(parts, { ...ref, kind: "part", records: ref.items }, openPart),
    layer: (ref) => open(layers, { ...ref, kind: "layer" }, openLayer),
    damaged: () => damaged,
    isOpen: (name) => handleOf(name) !== undefined,
    reopen(name) {
      handleOf(name)?.reopen();
      damaged.delete(name);
    },
    retain(needed) {
      for (const name of needed) closing.delete(name);
      for (const name of names()) {
        if (!needed.has(name) && !closing.has(name)) closing.set(name, clock.now() + partGraceMs);
      }
      armTimer();
    },
    close() {
      timer?.cancel();
      for (const name of names()) close(name);
    },
  };
}

function createFile<Value>(
  facts: FileFacts,
  dependencies: {
    readonly blobs: Blobs;
    readonly scratch: Buffer;
    readonly openRecords: OpenRecords<Value>;
    readonly damage: (facts: FileFacts, error: SluiceError) => void;
  },
): BaseFile<Value> & Handle {
  const { name } = facts;
  const { blobs, scratch, openRecords, damage } = dependencies;
  let blob: OpenBlob | undefined = openChecked(facts, blobs);
  let records: Records<Value> | undefined;
  let lastKey: string | undefined;
  let lastValue: Value | undefined;

  // The table is read at the first touch: a version is opened without it.
  const recordsOf = (): Records<Value> => {
    if (records !== undefined) return records;
    if (blob === undefined) {
      throw new SluiceError(
        "CLOSED",
        `part ${name} was closed: its version was let go over ${partGraceMs / 1000} s ago`,
      );
    }
    const file = blob;
    records = openRecords((position, length) => file.read(position, length, scratch), file.bytes);
    return records;
  };

  const spoiled = (error: unknown): unknown => {
    if (error instanceof SluiceError && error.code === "CLOSED") return error;
    const corrupt = corruptPart(name, error);
    damage(facts, corrupt);
    return corrupt;
  };

  const close = (): void => {
    blob?.close();
    blob = undefined;
    records = undefined;
    lastKey = undefined;
    lastValue = undefined;
  };

  return {
    name,
    get(key, keyHash) {
      // While a release runs, both lines are asked for a key in turn, and most of what they stand on is the same.
      // Once, so that damage is noticed at the next read.
      if (key === lastKey) {
        lastKey = undefined;
        return lastValue;
      }
      try {
        const value = recordsOf().get(key, keyHash);
        if (value !== undefined) {
          lastKey = key;
          lastValue = value;
        }
        return value;
      } catch (error) {
        throw spoiled(error);
      }
    },
    *entries() {
      try {
        yield* recordsOf().entries();
      } catch (error) {
        throw spoiled(error);
      }
    },
    reopen() {
      const fresh = openChecked(facts, blobs);
      close();
      blob = fresh;
    },
    close,
  };
}

function openChecked(facts: FileFacts, blobs: Blobs): OpenBlob {
  const blob = blobs.open(facts.name);
  try {
    const { kind, recordCount, contentHash } = parsePartHeader(blob.read(0, Math.min(partHeaderBytes, blob.bytes)));
    const expected = { kind: facts.kind, bytes: facts.bytes, records: facts.records, contentHash: facts.contentHash };
    const found = { kind, bytes: blob.bytes, records: recordCount, contentHash };
    if (
      found.kind !== expected.kind ||
      found.bytes !== expected.bytes ||
      found.records !== expected.records ||
      found.contentHash !== expected.contentHash
    ) {
      throw new SluiceError("CORRUPT", "its header is not what the version says of it", {
        details: { found, expected },
      });
    }
    return blob;
  } catch (error) {
    blob.close();
    throw corruptPart(facts.name, error);
  }
}

function corruptPart(name: string, cause: unknown): SluiceError {
  const details = cause instanceof SluiceError ? cause.details : {};
  const reason = messageOf(cause);
  return new SluiceError("CORRUPT", `part ${name} cannot be read: ${reason}`, {
    details: { ...details, blob: name },
    cause,
  });
}
