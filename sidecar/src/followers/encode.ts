import type { Frame } from "@sluice/core/api";

/** Keeps a connection from looking dead while nothing may be said that renews a lease; a comment, which parsers skip. */
export const keepAlive: Uint8Array = new TextEncoder().encode(":\n\n");

/**
 * A frame as one server-sent event:
 *
 *     event: <type>
 *     id: <sequence>          `events` (its last event's) and `state` only
 *     data: <JSON of the frame without its type>
 *     <empty line>
 *
 * A reader gets the frame back with `{ type: message.event, ...JSON.parse(message.data) }`. The data is one line, since
 * JSON escapes line ends. A reader that resumes from the last id it saw misses nothing and folds nothing twice.
 */
export function encodeFrame(frame: Frame): Uint8Array {
  const { type, ...data } = frame;
  const sequence = sequenceOf(frame);
  const id = sequence === undefined ? "" : `id: ${sequence}\n`;
  return new TextEncoder().encode(`event: ${type}\n${id}data: ${JSON.stringify(data)}\n\n`);
}

function sequenceOf(frame: Frame): number | undefined {
  if (frame.type === "events") return frame.events.at(-1)?.sequence;
  return frame.type === "state" ? frame.state.sequence : undefined;
}
