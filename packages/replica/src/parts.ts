import {
  type Clock,
  openPart,
  type PartReader,
  type PartRef,
  parsePartHeader,
  partHeaderBytes,
  SluiceError,
  type Timer,
} from "@sluice/core";
import type { Blobs, OpenBlob } from "./blobs.ts";

/** For how long a part that no retained version needs stays open, so that views on old versions keep reading. */
export const partGraceMs = 30_000;

/** An open part file, shared by every version that stands on it. */
export interface Part {
  readonly name: string;
  /** Throws CORRUPT, naming the part, or CLOSED where it was let go more than `partGraceMs` ago. */
  get(key: string): string | undefined;
  entries(): Iterable<readonly [key: string, canonical: string]>;
}

/** The open part files, by name. */
export interface Parts {
  /** Opens a part and compares its header with what is said of it. Throws BLOB_UNKNOWN, or CORRUPT naming the part. */
  open(ref: PartRef): Part;
  /** Parts of which a read failed, since when they were not opened again. */
  damaged(): ReadonlyMap<string, PartRef>;
  /** Opens the file of a part anew, under the versions that stand on it; nothing where it is not open. Throws as `open` does. */
  reopen(name: string): void;
  /** Closes every other part after the grace. */
  retain(names: ReadonlySet<string>): void;
  close(): void;
}

interface Held extends Part {
  reopen(): void;
  close(): void;
}

/** Opens no part at first. `onDamage` is called once for each part that turns out to be damaged, from within the read. */
export function createParts(dependencies: {
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly onDamage: (name: string, error: SluiceError) => void;
}): Parts {
  const { blobs, clock, onDamage } = dependencies;
  const open = new Map<string, Held>();
  const damaged = new Map<string, PartRef>();
  /** When a part that nobody needs is closed. */
  const closing = new Map<string, number>();
  let timer: Timer | undefined;

  const damage = (ref: PartRef, error: SluiceError): void => {
    if (damaged.has(ref.name)) return;
    damaged.set(ref.name, ref);
    onDamage(ref.name, error);
  };

  const close = (name: string): void => {
    open.get(name)?.close();
    open.delete(name);
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

  return {
    open(ref) {
      closing.delete(ref.name);
      const part = open.get(ref.name) ?? createPart(ref, blobs, damage);
      open.set(ref.name, part);
      return part;
    },
    damaged: () => damaged,
    reopen(name) {
      open.get(name)?.reopen();
      damaged.delete(name);
    },
    retain(names) {
      for (const name of names) closing.delete(name);
      for (const name of open.keys()) {
        if (!names.has(name) && !closing.has(name)) closing.set(name, clock.now() + partGraceMs);
      }
      armTimer();
    },
    close() {
      timer?.cancel();
      for (const name of open.keys()) close(name);
    },
  };
}

function createPart(ref: PartRef, blobs: Blobs, damage: (ref: PartRef, error: SluiceError) => void): Held {
  const { name } = ref;
  let blob: OpenBlob | undefined = openChecked(ref, blobs);
  let reader: PartReader | undefined;

  // The table is read at the first touch: a version is opened without it.
  const readerOf = (): PartReader => {
    if (blob === undefined) {
      throw new SluiceError(
        "CLOSED",
        `part ${name} was closed: its version was let go over ${partGraceMs / 1000} s ago`,
      );
    }
    const file = blob;
    reader ??= openPart((position, length) => file.read(position, length), file.bytes);
    return reader;
  };

  const spoiled = (error: unknown): unknown => {
    if (error instanceof SluiceError && error.code === "CLOSED") return error;
    const corrupt = corruptPart(name, error);
    damage(ref, corrupt);
    return corrupt;
  };

  return {
    name,
    get(key) {
      try {
        return readerOf().get(key);
      } catch (error) {
        throw spoiled(error);
      }
    },
    *entries() {
      try {
        yield* readerOf().entries();
      } catch (error) {
        throw spoiled(error);
      }
    },
    reopen() {
      const fresh = openChecked(ref, blobs);
      blob?.close();
      blob = fresh;
      reader = undefined;
    },
    close() {
      blob?.close();
      blob = undefined;
      reader = undefined;
    },
  };
}

function openChecked(ref: PartRef, blobs: Blobs): OpenBlob {
  const blob = blobs.open(ref.name);
  try {
    const header = parsePartHeader(blob.read(0, Math.min(partHeaderBytes, blob.bytes)));
    const found = { bytes: blob.bytes, items: header.itemCount, contentHash: header.contentHash };
    if (found.bytes !== ref.bytes || found.items !== ref.items || found.contentHash !== ref.contentHash) {
      throw new SluiceError("CORRUPT", "its header is not what the version says of it", {
        details: { found, expected: { bytes: ref.bytes, items: ref.items, contentHash: ref.contentHash } },
      });
    }
    return blob;
  } catch (error) {
    blob.close();
    throw corruptPart(ref.name, error);
  }
}

function corruptPart(name: string, cause: unknown): SluiceError {
  const details = cause instanceof SluiceError ? cause.details : {};
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SluiceError("CORRUPT", `part ${name} cannot be read: ${reason}`, {
    details: { ...details, blob: name },
    cause,
  });
}
