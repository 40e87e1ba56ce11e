import { createSystemClock, createTransport } from "@sluice/replica";
import { createContactLog } from "./contact-log.ts";
import type { Instance } from "./instance.ts";
import { createLogger, instanceOf } from "./instance.ts";
import { createId, systemRandom } from "./random.ts";
import { createSidecar } from "./sidecar.ts";

/** How a sidecar is started. */
export interface FollowOptions {
  /** Instances to follow, tried in order. */
  readonly origins: readonly string[];
  /** Where part files and the last known good position are kept, which the SDKs of this host may share; null keeps them in memory. */
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
  const clock = createSystemClock();
  const transport = createTransport();
  const sidecar = await createSidecar({
    origins,
    instance: createId(),
    name,
    directory,
    fetch: transport.fetch,
    clock,
    random: systemRandom,
    logger,
  });
  const contacts = createContactLog({ connection: () => sidecar.connection(), clock, logger });
  return instanceOf({
    app: sidecar.app,
    host,
    port,
    clock,
    logger,
    close: async () => {
      contacts.close();
      await sidecar.close();
      await transport.close();
    },
  });
}
