import type { Frame } from "@sluice/core/api";

/** Reads along with a follow stream, apart from the code under test, and tells which frames have come whole. */
export interface FrameWatch {
  /** Takes bytes that have arrived and gives the frames that are complete with them, in order. */
  push(bytes: Uint8Array): readonly Frame[];
}

/** Watches one stream from its beginning. */
export function createFrameWatch(): FrameWatch {
  const decoder = new TextDecoder();
  let rest = "";
  return {
    push(bytes) {
      const blocks = (rest + decoder.decode(bytes, { stream: true })).split("\n\n");
      rest = blocks.pop() ?? "";
      return blocks.flatMap((block) => frameOf(block) ?? []);
    },
  };
}

/** A frame as the bytes in which it travels. */
export function bytesOf(frame: Frame): Uint8Array {
  const { type, ...data } = frame;
  return new TextEncoder().encode(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
}

function frameOf(block: string): Frame | undefined {
  const type = /^event: (.*)$/m.exec(block)?.[1];
  const data = /^data: (.*)$/m.exec(block)?.[1];
  // A comment keeps a connection from looking dead and says nothing.
  return type === undefined || data === undefined ? undefined : ({ type, ...JSON.parse(data) } as Frame);
}
