import type { Frame } from "@sluice/core/api";
import { frameSchema } from "@sluice/core/api";
import type { Sink } from "../sink.ts";

/** A sink for tests whose peer can be made to stop reading. */
export interface SampleSink extends Sink {
  /** The peer takes nothing until `flow`. */
  stall(): void;
  flow(): void;
  /** The peer goes: nothing more arrives, what is unsent is lost. */
  leave(): void;
  /** Frames that arrived since the last call, each held to the schema of the wire. */
  take(): Frame[];
  /** Comments that arrived since the last `take`. */
  comments(): number;
  /** Every chunk that was ever written, as it was given. */
  readonly written: readonly (Uint8Array | string)[];
  /** How it ended. */
  end(): "open" | "closed" | "aborted" | "left";
}

/** Makes a sink whose peer reads everything at once. */
export function createSampleSink(): SampleSink {
  const listeners: (() => void)[] = [];
  const written: (Uint8Array | string)[] = [];
  let unsent: Uint8Array[] = [];
  let arrived: Uint8Array[] = [];
  let stalled = false;
  let ended: "open" | "closed" | "aborted" | "left" = "open";

  function finish(how: "closed" | "aborted" | "left"): void {
    if (ended !== "open") return;
    ended = how;
    if (how === "closed") arrived.push(...unsent);
    unsent = [];
    for (const listener of listeners.splice(0)) listener();
  }

  return {
    write(chunk) {
      if (ended !== "open") return false;
      written.push(chunk);
      (stalled ? unsent : arrived).push(typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk);
      return !stalled;
    },
    close: () => finish("closed"),
    abort: () => finish("aborted"),
    leave: () => finish("left"),
    unsentBytes: () => unsent.reduce((sum, chunk) => sum + chunk.byteLength, 0),
    onClose(listener) {
      if (ended === "open") listeners.push(listener);
      else listener();
    },
    stall() {
      stalled = true;
    },
    flow() {
      stalled = false;
      arrived.push(...unsent);
      unsent = [];
    },
    take() {
      const frames = decodeFrames(Buffer.concat(arrived).toString());
      arrived = [];
      return frames;
    },
    comments: () => arrived.filter((chunk) => Buffer.from(chunk).toString().startsWith(":")).length,
    written,
    end: () => ended,
  };
}

/** Reads server-sent events as the frames that they carry; comments are skipped. Throws where one breaks the schema. */
export function decodeFrames(text: string): Frame[] {
  const frames: Frame[] = [];
  for (const block of text.split("\n\n")) {
    const fields = new Map<string, string>();
    for (const line of block.split("\n")) {
      const colon = line.indexOf(":");
      if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trimStart());
    }
    const data = fields.get("data");
    if (data === undefined) continue;
    const frame = frameSchema.parse({ type: fields.get("event"), ...(JSON.parse(data) as object) });
    const id = fields.get("id");
    const last =
      frame.type === "events"
        ? frame.events.at(-1)?.sequence
        : frame.type === "state"
          ? frame.state.sequence
          : undefined;
    if (id !== last?.toString()) throw new Error(`a ${frame.type} frame up to ${last} has the id ${id}`);
    frames.push(frame);
  }
  return frames;
}
