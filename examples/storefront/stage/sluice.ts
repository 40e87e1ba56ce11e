import { answering } from "./answering.ts";

/** One line of the log, as far as the demo looks at it. */
export interface LogLine {
  readonly sequence: number;
  /** Milliseconds since the Unix epoch at the origin. */
  readonly at: number;
  readonly by: { readonly kind: string; readonly name: string };
  readonly event: LogEvent;
}

/** What a line says, the fields of all kinds of event in one. */
export interface LogEvent {
  readonly type: string;
  readonly dataset?: string;
  readonly release?: string | null;
  readonly number?: number | null;
  readonly live?: boolean;
  readonly thousandths?: number;
  readonly code?: string;
  readonly message?: string;
  readonly reason?: string;
  /** What allowed a plan's step; null where time or a person alone did. */
  readonly evidence?: Evidence | null;
  readonly cause?: { readonly reason: string; readonly evidence?: Evidence | null };
  readonly difference?: { readonly added: number; readonly removed: number; readonly changed: number };
  readonly content?: { readonly items: number };
  /** Of an alert: its name, whether it is firing, and what it does. */
  readonly name?: string;
  readonly status?: string;
  readonly action?: string;
  readonly quarantinedChanges?: { readonly count: number; readonly of: number; readonly publish: number } | null;
}

/** What the guard had seen when it decided, as far as the demo looks at it. */
export interface Evidence {
  readonly kinds: readonly { readonly kind: string; readonly evidence: number }[];
  readonly promotion: { readonly open: boolean };
}

/** What the demo looks at in `GET /v1/status`. */
export interface Status {
  readonly sequence: number;
  readonly datasets: readonly { readonly name: string; readonly stable: { readonly publish: number } | null }[];
  readonly followers: { readonly total: number };
}

/** The sidecar's API as the demo uses it: plain HTTP, as from any language. */
export interface Sluice {
  readonly url: string;
  /** Waits until it answers. Throws after `deadlineMs`. */
  awake(deadlineMs: number): Promise<void>;
  /** Gives a command. Throws with what the sidecar says where it refuses. */
  command(path: string, body: unknown): Promise<void>;
  publish(dataset: string, ndjson: string): Promise<void>;
  /** Lines after a sequence number, oldest first. */
  log(after: number): Promise<LogLine[]>;
  status(): Promise<Status>;
}

const actor = { "sluice-actor": "storefront demo" };

/** Makes a client of the sidecar at `url`. */
export function createSluice(url: string): Sluice {
  async function ask(path: string, init: RequestInit = {}): Promise<Response> {
    const answer = await fetch(url + path, { signal: AbortSignal.timeout(10_000), ...init });
    if (!answer.ok)
      throw new Error(`${init.method ?? "GET"} ${path} was answered ${answer.status}: ${await answer.text()}`);
    return answer;
  }

  return {
    url,
    awake: (deadlineMs) => answering(`${url}/healthz`, deadlineMs),
    async command(path, body) {
      const headers = { "content-type": "application/json", ...actor };
      await (await ask(path, { method: "POST", headers, body: JSON.stringify(body) })).arrayBuffer();
    },
    async publish(dataset, ndjson) {
      const headers = { "content-type": "application/x-ndjson", ...actor };
      const path = `/v1/datasets/${dataset}/versions`;
      await (await ask(path, { method: "POST", headers, body: ndjson })).arrayBuffer();
    },
    async log(after) {
      const text = await (await ask(`/v1/log?from=${after}`)).text();
      return text === ""
        ? []
        : text
            .trimEnd()
            .split("\n")
            .map((line): LogLine => JSON.parse(line));
    },
    async status() {
      return (await (await ask("/v1/status")).json()) as Status;
    },
  };
}
