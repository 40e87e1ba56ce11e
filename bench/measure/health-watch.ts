import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** Asks an instance again and again whether it lives, to see for how long it is busy with something else. */
export interface HealthWatch {
  /** Stops and gives how long each answer took, in nanoseconds. */
  end(): Promise<number[]>;
}

const pauseMs = 5;

/** Begins to ask. */
export function startHealthWatch(url: string): HealthWatch {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const delays: number[] = [];
  const ending = new AbortController();
  const watching = (async () => {
    while (!ending.signal.aborted) {
      const start = process.hrtime.bigint();
      const [response] = (await once(get(`${url}/healthz`, { agent }), "response")) as [IncomingMessage];
      await once(response.resume(), "end");
      delays.push(Number(process.hrtime.bigint() - start));
      await sleep(pauseMs);
    }
    agent.destroy();
  })();
  return {
    async end() {
      ending.abort();
      await watching;
      return delays;
    },
  };
}
