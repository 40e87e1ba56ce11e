/**
 * The paths whose bodies are not JSON: uploads, streams, blobs and reports.
 * `publish` takes `application/x-ndjson` or `application/json`; `follow` and `events` answer with server-sent events.
 */
export const paths = {
  /** POST, query `PublishQuery`. */
  publish: "/v1/datasets/:dataset/versions",
  /** GET, query `FollowQuery`. */
  follow: "/v1/follow",
  /** GET: the frame `state` as JSON, with an ETag, for places where a stream does not pass. */
  state: "/v1/state",
  /** GET: part files and overlays, immutable. */
  blob: "/v1/blobs/:name",
  /** POST `OutcomeBatch`, answered 202. */
  outcomes: "/v1/outcomes",
  /** POST `ConfirmationBatch`, answered 202. */
  confirmations: "/v1/confirmations",
  /** GET `?from=&dataset=&limit=`: control events as NDJSON, oldest first: those after `from`, or without it the newest. */
  log: "/v1/log",
  /** GET: status answers as server-sent events, one at once and one after each change, at most four a second. */
  statusStream: "/v1/status/stream",
} as const;

/** A route's path with its parameters filled in, each percent-encoded. */
export function fillPath(path: string, parameters: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:([a-z]+)/g, (_whole, name: string) => {
    const value = parameters[name];
    if (value === undefined) throw new Error(`the path ${path} wants the parameter ${name}`);
    return encodeURIComponent(value);
  });
}
