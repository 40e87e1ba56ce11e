import type { Message } from "./processes.ts";

/** What the shop's processes say of themselves. */
export interface Workers {
  /** Takes what a process said. */
  hear(message: Message): void;
  /** When each process took a version back, by its publish. Waits for all of them; throws after `deadlineMs`. */
  reverted(publish: number, deadlineMs: number): Promise<Readonly<Record<string, number>>>;
  /** The port of each process on which Prometheus finds its counters. Waits for all of them; throws after `deadlineMs`. */
  metricsPorts(deadlineMs: number): Promise<readonly number[]>;
  /** How many processes have taken a version back so far. */
  reverters(publish: number): number;
  /** When each process served a named version, in the comparison. */
  switched(version: string, after: number, deadlineMs: number): Promise<Readonly<Record<string, number>>>;
  /** Processes that are in contact with the sidecar. */
  connected(): number;
}

const pollMs = 20;

/** Keeps what `workersCount` processes say. */
export function createWorkers(workersCount: number): Workers {
  const heard: Message[] = [];

  async function gather(
    deadlineMs: number,
    what: string,
    is: (message: Message) => boolean,
    field = "at",
  ): Promise<Record<string, number>> {
    const until = Date.now() + deadlineMs;
    for (;;) {
      const at: Record<string, number> = {};
      for (const message of heard) if (is(message)) at[String(message["worker"])] ??= Number(message[field]);
      if (Object.keys(at).length === workersCount) return at;
      if (Date.now() > until) {
        throw new Error(`${what}: only ${Object.keys(at).length} of ${workersCount} processes of the shop said so`);
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  return {
    hear: (message) => void heard.push(message),
    reverted: (publish, deadlineMs) =>
      gather(
        deadlineMs,
        `v${publish} taken back`,
        ({ type, ...said }) => type === "reverted" && said["publish"] === publish,
      ),
    async metricsPorts(deadlineMs) {
      return Object.values(await gather(deadlineMs, "metrics", ({ type }) => type === "metrics", "port"));
    },
    reverters: (publish) =>
      new Set(
        heard
          .filter(({ type, ...said }) => type === "reverted" && said["publish"] === publish)
          .map((message) => message["worker"]),
      ).size,
    switched: (version, after, deadlineMs) =>
      gather(
        deadlineMs,
        `${version} served`,
        ({ type, ...said }) => type === "switched" && said["version"] === version && Number(said["at"]) >= after,
      ),
    connected() {
      const last = new Map<unknown, string>();
      for (const { type, ...said } of heard) {
        if (type === "connected" || type === "disconnected") last.set(said["worker"], type);
      }
      return [...last.values()].filter((type) => type === "connected").length;
    },
  };
}
