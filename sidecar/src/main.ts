import { hostname } from "node:os";
import { join } from "node:path";
import { createSystemClock, createTransport } from "@sluice/replica";
import { fixedSecret, openSecretFile, type SecretSource } from "./alerts/secret.ts";
import { createWorkshopThread } from "./compaction/workshop-thread.ts";
import type { Logger } from "pino";
import type { Instance } from "./instance.ts";
import { createLogger, instanceOf } from "./instance.ts";
import { createOrigin, type OriginDependencies } from "./origin.ts";
import { createThreadWorkbench } from "./publish/workbench-threads.ts";
import { createId, systemRandom } from "./random.ts";
import type { RetentionLimits } from "./retention.ts";
import { openEmbeddedStore } from "./store/embedded-store.ts";

/** How an origin is started. */
export interface ServeOptions {
  /** Where the log, the part files and the uploads lie; made where it is not there. */
  readonly directory: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Loopback alone until there are tokens. */
  readonly host: string;
  readonly logLevel: string;
  /** Default: a day of patches, at most 1 GiB, and a day of versions. */
  readonly retention?: Partial<RetentionLimits>;
  /** What alerts have to come with: tokens in a file, a line each, or one. Default: nothing. */
  readonly alertsToken?: { readonly file: string } | { readonly token: string } | null;
  /** Asked for the queries of plans, each as often as `intervalMs` says. Default: none. */
  readonly prometheus?: {
    readonly url: string;
    readonly intervalMs: number;
    readonly tokenFile: string | null;
  } | null;
}

/**
 * Starts an instance that owns a log, on the embedded store.
 * Throws STORE_UNAVAILABLE where another process holds the directory or it cannot be used, CORRUPT where what lies in it is
 * damaged, VALIDATION where the port is taken or a file has no token.
 */
export async function serve(options: ServeOptions): Promise<Instance> {
  const { directory, port, host, logLevel, retention = {} } = options;
  const logger = createLogger(logLevel);
  const signals = await openSignals(options, logger);
  return serveOrigin({ directory, port, host, clock: createSystemClock(), logger, retention, ...signals });
}

/** An origin's place, and what of it is not the same in every process. */
type OriginOptions = Pick<ServeOptions, "directory" | "port" | "host"> &
  Pick<OriginDependencies, "clock" | "logger" | "retention" | "compaction" | "alertsToken" | "prometheus">;

/** Puts an origin together on the embedded store, its threads and a socket. Throws as `serve` does. */
export async function serveOrigin({ directory, port, host, ...given }: OriginOptions): Promise<Instance> {
  const { clock, logger } = given;
  const store = await openEmbeddedStore({ directory, clock, newLogId: createId, logger });
  const transport = createTransport();
  const workbench = createThreadWorkbench(join(directory, "blobs"), clock);
  const origin = await createOrigin({
    ...given,
    store,
    random: systemRandom,
    instance: createId(),
    name: `origin@${hostname()}`,
    fetch: transport.fetch,
    spoolDirectory: join(directory, "spool"),
    yieldNow: () => new Promise((resolve) => void setImmediate(resolve)),
    workbench,
    workshop: createWorkshopThread(join(directory, "blobs")),
  });
  return instanceOf({
    app: origin.app,
    host,
    port,
    clock,
    logger,
    close: async () => {
      await origin.close();
      await workbench.close();
      await transport.close();
    },
  });
}

/** Before the store is opened: what cannot be read now is a mistake of whoever starts this. */
async function openSignals(
  { alertsToken = null, prometheus = null }: ServeOptions,
  logger: Logger,
): Promise<Pick<OriginDependencies, "alertsToken" | "prometheus">> {
  const fileOf = (file: string | null): Promise<SecretSource | null> =>
    file === null ? Promise.resolve(null) : openSecretFile(file, logger);
  return {
    alertsToken:
      alertsToken !== null && "token" in alertsToken
        ? fixedSecret(alertsToken.token, "the token for alerts")
        : await fileOf(alertsToken?.file ?? null),
    prometheus:
      prometheus === null
        ? null
        : { url: prometheus.url, intervalMs: prometheus.intervalMs, token: await fileOf(prometheus.tokenFile) },
  };
}
