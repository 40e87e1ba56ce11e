import { assertBlobName, type Blobs, blobUnknown, isBlobName } from "./blobs.ts";

/** Blobs in memory: for a follower without a directory, and for tests. */
export function createMemoryBlobs(): Blobs {
  const blobs = new Map<string, Uint8Array>();
  const bytesOf = (name: string): Uint8Array => {
    const bytes = blobs.get(name);
    if (bytes === undefined) throw blobUnknown(name);
    return bytes;
  };
  return {
    has: (name) => blobs.has(name),
    open(name) {
      const bytes = bytesOf(name);
      return {
        bytes: bytes.byteLength,
        read: (position, length) => bytes.subarray(position, position + length),
        close: () => {},
      };
    },
    read: async (name) => bytesOf(name),
    async put(name, bytes) {
      assertBlobName(name, bytes);
      if (isBlobName(name) && !blobs.has(name)) blobs.set(name, bytes.slice());
    },
    async delete(name) {
      blobs.delete(name);
    },
    list: async () => [...blobs.keys()],
  };
}
