import { SluiceError } from "@sluice/core";
import type { Frame } from "@sluice/core/api";

/** Turns the bytes of a follow stream into frames. */
export interface FrameReader {
  /** Takes a chunk, cut anywhere, and gives out each frame that is complete. Throws PROTOCOL or LIMIT_EXCEEDED, and what `onFrame` throws. */
  push(chunk: Uint8Array): void;
}

const frameCharactersMax = 67_108_864;

/**
 * Reads server-sent events whose names are the frames' types. What is cut off at the end of a stream was never given out:
 * it comes again after the reconnect. `onFrame` is told about how many bytes a frame had.
 * A frame is at most `charactersMax` long, 67,108,864 by default.
 */
export async function createFrameReader(
  onFrame: (frame: Frame, bytes: number) => void,
  charactersMax: number = frameCharactersMax,
): Promise<FrameReader> {
  // The schemas take longer to load than a first read from disk, so nothing on the way to that may load them; nor the parser.
  const [{ parseFrame }, { createParser }] = await Promise.all([
    import("@sluice/core/api"),
    import("eventsource-parser"),
  ]);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  const frameOf = (type: string | undefined, data: string): Frame => {
    const parsed = parseFrame({ ...objectOf(data), type });
    if (parsed.success) return parsed.data;
    const { issue } = parsed;
    throw new SluiceError(
      "PROTOCOL",
      `a frame ${type === undefined ? "without a name" : `"${type.slice(0, 40)}"`} is not what this version expects (${issue?.path.join(".") ?? ""}: ${issue?.message ?? "no JSON"})`,
      { details: { type } },
    );
  };

  const parser = createParser({
    maxBufferSize: charactersMax,
    onEvent: ({ event, data }) => onFrame(frameOf(event, data), data.length),
    onError(error) {
      if (error.type !== "max-buffer-size-exceeded") return;
      throw new SluiceError("LIMIT_EXCEEDED", `a frame is longer than ${charactersMax} characters`, {
        cause: error,
      });
    },
  });

  const textOf = (chunk: Uint8Array): string => {
    try {
      return decoder.decode(chunk, { stream: true });
    } catch (error) {
      throw new SluiceError("PROTOCOL", "the stream is not UTF-8", { cause: error });
    }
  };

  return { push: (chunk) => parser.feed(textOf(chunk)) };
}

function objectOf(data: string): object {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
