/** An open blob, read by position. */
export interface OpenBlob {
  readonly bytes: number;
  /** Reads `length` bytes at `position`, fewer only at the end. Throws CORRUPT where the file is shorter than it was. */
  read(position: number, length: number): Uint8Array;
  close(): void;
}

/**
 * Immutable content by name, where the name is the SHA-256 of the bytes in hex: part files, encoded overlays,
 * lists of changed items.
 */
export interface Blobs {
  has(name: string): boolean;
  /** Opens for reading by position, synchronously. Throws BLOB_UNKNOWN. */
  open(name: string): OpenBlob;
  /** Reads a whole blob and proves its name. Throws BLOB_UNKNOWN, or CORRUPT after setting the file aside. */
  read(name: string): Promise<Uint8Array>;
  /**
   * Keeps bytes under their name: temporary file, synced, renamed, directory synced; nothing where it is there already.
   * Throws CORRUPT where the bytes do not have that name, DISK_FULL or STORE_UNAVAILABLE.
   */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** Removes a blob; who has it open reads on. */
  delete(name: string): Promise<void>;
}
