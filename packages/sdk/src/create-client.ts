import { hostname } from "node:os";
import type { Clock } from "@sluice/core";
import { createReplica, createSystemClock, createTransport, type Replica, type Transport } from "@sluice/replica";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { waitOrBootstrap, withBootstrap } from "./bootstrap.ts";
import { type Client, createReplicaClient } from "./client.ts";
import { type ClientDefaults, checkOptions, settingsOf } from "./options.ts";
import { createId, systemRandom } from "./random.ts";
import { createDecode, type DatasetSchemas, type ItemsOf, refuseAsync } from "./schema.ts";

/** What a client is made with. What is left out has the value of `clientDefaults`. */
export interface ClientOptions<Datasets extends DatasetSchemas> extends Partial<ClientDefaults> {
  /** The instance to follow, usually the sidecar on this host. */
  readonly url?: string;
  /** In place of `url`: several instances, tried in order. */
  readonly urls?: readonly string[];
  /** What people know this application by, 1 to 100 characters. */
  readonly app: string;
  /** The datasets that are read, each with a schema (any Standard Schema, synchronous) or null. */
  readonly datasets: Datasets;
  /**
   * Where versions are kept for the next start. The directory may be shared by processes, cluster workers and worker threads of a host
   * and with its sidecar (`sluice sidecar --data`), so that there is one copy of all of it; an origin's own directory is read. Not on a
   * network file system. Null (the default) keeps versions in memory only.
   */
  readonly cacheDirectory?: string | null;
  /** False starts at once: reads throw NOT_READY until a first version came. Default true. */
  readonly waitForReady?: boolean;
  /**
   * Paths of files, by dataset, that are read into memory where nothing is on disk and no instance answered in time: `.json` for one
   * object of key to value, anything else NDJSON of `{"key", "value"}`. Their version has the number 0 and ends with the first that comes.
   */
  readonly bootstrap?: { readonly [Name in keyof Datasets]?: string };
  /** What this process is called in `status`; default `app@host`. */
  readonly name?: string;
  /**
   * A label for this process's outcomes, such as its region or tenant, 1 to 64 characters; at most 64 of them in a release. Where
   * the share of users who see a candidate differs from one to the other, the guard must not add them up; else leave it out.
   */
  readonly stratum?: string;
  /** Default: connections of its own, which keep no process alive. */
  readonly fetch?: typeof globalThis.fetch;
  readonly clock?: Clock;
  /** 0 to below 1, for jitter and ids. */
  readonly random?: () => number;
}

const nameLengthMax = 200;

/**
 * Makes a client: from disk where it was here before, without waiting for the network, else from the instance that it follows, else
 * from bootstrap files. Throws SCHEMA_ASYNC, VALIDATION, STORE_UNAVAILABLE for the directory, what is wrong in a bootstrap file, and
 * NOT_READY, naming what is missing, where a dataset has no version after `readyTimeoutMs`.
 */
export async function createClient<const Datasets extends DatasetSchemas>(
  options: ClientOptions<Datasets>,
): Promise<Client<ItemsOf<Datasets>>> {
  const schemas: DatasetSchemas = options.datasets;
  const names = Object.keys(schemas);
  const urls = options.urls ?? (options.url === undefined ? [] : [options.url]);
  const settings = settingsOf(options);
  checkOptions({ app: options.app, urls, names, stratum: options.stratum }, settings);
  for (const name of names) refuseAsync(name, schemas[name] ?? null);

  const clock = options.clock ?? createSystemClock();
  const transport = options.fetch === undefined ? createTransport() : borrowed(options.fetch);
  const replica = createReplica({
    urls,
    id: createId(options.random),
    name: (options.name ?? `${options.app}@${hostname()}`).slice(0, nameLengthMax),
    kind: "sdk",
    app: options.app,
    datasets: names,
    directory: options.cacheDirectory ?? null,
    fetch: transport.fetch,
    clock,
    random: options.random ?? systemRandom,
    ...(options.stratum === undefined ? {} : { stratum: options.stratum }),
  });
  const close = async (): Promise<void> => {
    await replica.close();
    await transport.close();
  };
  try {
    await replica.start();
    const { bootstrap = {}, waitForReady = true } = options;
    const { readyTimeoutMs } = settings;
    const versions = await waitOrBootstrap(replica, { datasets: names, bootstrap, waitForReady, readyTimeoutMs });
    const filled = withBootstrap(replica, versions);
    for (const name of names) decodeOne(filled, name, schemas[name] ?? null);
    return createReplicaClient<ItemsOf<Datasets>>({ ...filled, close }, { ...settings, schemas, clock });
  } catch (error) {
    await close();
    throw error;
  }
}

/** A fetch that somebody else made and closes. */
function borrowed(fetch: Transport["fetch"]): Transport {
  return { fetch, close: async () => undefined };
}

/** A schema may turn asynchronous only where it looks into an item, and a start is a better place to find that than a request. */
function decodeOne(replica: Replica, dataset: string, schema: StandardSchemaV1 | null): void {
  if (schema === null) return;
  const version = replica.snapshot().datasets.get(dataset)?.stable;
  for (const [, canonical] of version?.entries() ?? []) {
    createDecode(dataset, schema)(canonical);
    return;
  }
}
