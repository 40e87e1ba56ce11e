import { createSystemClock, createTransport } from "@sluice/replica";
import type { Instance } from "./instance.ts";
import { createLogger, instanceOf } from "./instance.ts";
import { createId, systemRandom } from "./random.ts";
import { createSidecar } from "./sidecar.ts";

/** How a sidecar is started. */
export interface FollowOptions {
  /** Instances to follow, tried in order. */
  readonly origins: readonly string[];
  /** Where part files and the last known good position are kept; null keeps them in memory. */
  readonly directory: string | null;
  /** 0 takes a free one. */
  readonly port: number;
  /** Loopback alone until there are tokens. */
  readonly host: string;
  /** What people know it by. */
  readonly name: string;
  readonly logLevel: string;
}

/**
 * Starts an instance that follows an origin or another sidecar. Loads no store and no page.
 * Throws VALIDATION for a URL that is none and where the port is taken, STORE_UNAVAILABLE where the directory cannot be used.
 */
export async function follow(options: FollowOptions): Promise<Instance> {
  const { origins, directory, port, host, name, logLevel } = options;
  const logger = createLogger(logLevel);
  const transport = createTransport();
  const sidecar = await createSidecar({
    origins,
    instance: createId(),
    name,
    directory,
    fetch: transport.fetch,
    clock: createSystemClock(),
    random: systemRandom,
    logger,
  });
  return instanceOf({
    app: sidecar.app,
    host,
    port,
    logger,
    close: async () => {
      await sidecar.close();
      await transport.close();
    },
  });
}
