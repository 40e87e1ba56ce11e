import { type Clock, isActive, own, SluiceError } from "@sluice/core";
import type { Connection, Replica, ReplicaCounts, Reporter, Snapshot, SnapshotChange } from "@sluice/replica";
import { emitChanges, isReverted } from "./changes.ts";
import { createContext } from "./context.ts";
import { type ClientEvents, createEvents } from "./events.ts";
import { createImpatience } from "./impatience.ts";
import { ItemCache } from "./item-cache.ts";
import { chainsOf } from "./line-chain.ts";
import type { ClientDefaults } from "./options.ts";
import { chooseLine, type Routes, routeOf, routesOf } from "./routing.ts";
import { createDecode, type DatasetSchemas } from "./schema.ts";
import { ItemView, type Refusal, type View, type ViewHost, type ViewOptions } from "./view.ts";
import { createWatch } from "./watch.ts";

/** How one dataset stands in a process. */
export interface DatasetClientStatus {
  /** Numbers of the prepared versions; null where there is none. */
  readonly stable: number | null;
  readonly candidate: number | null;
  /** Id of the running or baking release. */
  readonly release: string | null;
  /** Why this process does not take the release's candidate; null where it does. */
  readonly refusal: Refusal | null;
  readonly cache: { readonly items: number; readonly itemsMax: number; readonly bytes: number | null };
}

/** How a client stands. */
export interface ClientStatus<Items extends object> {
  readonly log: string | null;
  readonly sequence: number;
  readonly connection: Connection;
  /** Age of the last contact with the log's owner in milliseconds; null where there was none since the start. */
  readonly contactAgeMs: number | null;
  readonly isStale: boolean;
  /** Whether candidates below 100 % are served. */
  readonly leaseHeld: boolean;
  /** What went wrong and was mended, since the start. */
  readonly counts: ReplicaCounts;
  readonly datasets: { readonly [Name in keyof Items]: DatasetClientStatus };
}

/** What an application reads through. Use one in a process and close it at the end. */
export interface Client<Items extends object = Readonly<Record<string, unknown>>> {
  /** Makes the view of one request. Throws CLOSED. */
  view(options?: ViewOptions): View<Items>;
  /** The view of the request that is going on, where middleware or `runWith` set one. */
  current(): View<Items> | undefined;
  /** Runs `fn`, and all that it starts, with the view as the current one. */
  runWith<T>(view: View<Items>, fn: () => T): T;
  /** Adds a listener, called after new views see what it is told; gives what removes it. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void;
  /** Ends when every dataset has a version here. Throws NOT_READY, naming what is missing, after `deadlineMs` (default `readyTimeoutMs`). */
  ready(deadlineMs?: number): Promise<void>;
  status(): ClientStatus<Items>;
  /** Sends the outcomes that wait, then closes every timer, socket and file. Views that are left read what is cached until they expire. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The part of a replica that a client stands on. */
export interface ClientReplica
  extends Pick<
    Replica,
    "snapshot" | "ready" | "connection" | "contactAgeMs" | "leaseHeld" | "subscribe" | "refuse" | "counts" | "close"
  > {
  readonly reporter: Pick<Reporter, "outcome" | "served">;
}

/** What a client is made with, besides its replica. */
export interface ClientSettings extends ClientDefaults {
  readonly schemas: DatasetSchemas;
  readonly clock: Clock;
}

/** Makes a client over a replica that was started. */
export function createReplicaClient<Items extends object>(
  replica: ClientReplica,
  settings: ClientSettings,
): Client<Items> {
  const { schemas, cacheItemsMax, cacheBytesMax, clock } = settings;
  const names = Object.keys(schemas);
  const events = createEvents();
  const context = createContext<View<Items>>();
  const caches = new Map(
    Object.entries(schemas).map(([name, schema]) => {
      const decode = createDecode(name, schema);
      return [name, new ItemCache({ decode, itemsMax: cacheItemsMax, bytesMax: cacheBytesMax })];
    }),
  );
  const refusals = new Map<string, Refusal>();
  let snapshot = replica.snapshot();
  let routes = takeUp(snapshot, null);
  let isClosed = false;

  /** The caches follow the lines before any view can be made that reads them. */
  function takeUp(next: Snapshot, change: SnapshotChange | null): Routes {
    const refused = new Set(refusals.keys());
    const list = [...caches].map(([name, cache]) => {
      const lines = next.datasets.get(name) ?? { stable: null, candidate: null };
      const refs = cache.advance(lines, () => (change === null ? [] : chainsOf(name, change)));
      return routeOf(name, cache, refs, next, refused);
    });
    return routesOf(list);
  }

  const host: ViewHost = {
    clock,
    reporter: replica.reporter,
    viewMaxAgeMs: settings.viewMaxAgeMs,
    givenUp: createImpatience((impatient) => events.emit("impatient", impatient)),
    isReverted: (release) => isReverted(release, snapshot),
    refuse(refusal) {
      const release = own(snapshot.state.releases, refusal.release);
      if (refusals.has(refusal.release) || release === undefined || !isActive(release)) return;
      refusals.set(refusal.release, refusal);
      routes = takeUp(snapshot, null);
      const { dataset, key, version, issues } = refusal;
      const reason = `${dataset} ${JSON.stringify(key)} of v${version}: ${issues.join("; ")}`;
      replica.refuse({ release: refusal.release, reason });
      events.emit("refused", refusal);
    },
  };

  const watch = createWatch(replica, { clock, events, staleAfterMs: settings.staleAfterMs });
  const unsubscribe = replica.subscribe((change) => {
    snapshot = change.snapshot;
    for (const id of refusals.keys()) {
      const release = own(snapshot.state.releases, id);
      if (release === undefined || !isActive(release)) refusals.delete(id);
    }
    routes = takeUp(snapshot, change);
    emitChanges(events, names, change);
  });

  const client: Client<Items> = {
    view(given = {}) {
      if (isClosed) throw new SluiceError("CLOSED", "this client was closed; make views before client.close()");
      // An empty key is nobody's: taken as one, it would put everybody who has none on the same side.
      const options = given.targetingKey === "" ? { ...given, targetingKey: undefined } : given;
      const { plain, released } = routes;
      if (released.length === 0) return new ItemView<Items>(host, plain, options);
      const leaseHeld = replica.leaseHeld();
      const choices = new Map(plain);
      for (const route of released) {
        const choice = chooseLine(route, options.targetingKey, leaseHeld);
        choices.set(route.dataset, choice);
        if (options.targetingKey !== undefined && route.release !== null) {
          const served = choice.arm === "candidate" ? "candidate" : "stable";
          replica.reporter.served(route.release.id, route.release.epoch, served);
        }
      }
      return new ItemView<Items>(host, choices, options);
    },
    current: () => context.current(),
    runWith: (view, fn) => context.runWith(view, fn),
    on: (name, listener) => events.on(name, listener),
    ready: (deadlineMs = settings.readyTimeoutMs) => replica.ready(deadlineMs),
    status: () => ({
      log: snapshot.log,
      sequence: snapshot.state.sequence,
      connection: replica.connection(),
      contactAgeMs: replica.contactAgeMs(),
      isStale: watch.isStale(),
      leaseHeld: replica.leaseHeld(),
      counts: replica.counts(),
      datasets: Object.fromEntries(names.map((name) => [name, statusOf(name)])) as ClientStatus<Items>["datasets"],
    }),
    async close() {
      if (isClosed) return;
      isClosed = true;
      watch.stop();
      unsubscribe();
      await replica.close();
    },
    [Symbol.asyncDispose]: () => client.close(),
  };

  function statusOf(name: string): DatasetClientStatus {
    const lines = snapshot.datasets.get(name);
    const release = own(snapshot.state.datasets, name)?.release ?? null;
    return {
      stable: lines?.stable?.number ?? null,
      candidate: lines?.candidate?.number ?? null,
      release,
      refusal: (release === null ? undefined : refusals.get(release)) ?? null,
      cache: {
        items: caches.get(name)?.items ?? 0,
        itemsMax: cacheItemsMax,
        bytes: cacheBytesMax === null ? null : (caches.get(name)?.bytes ?? 0),
      },
    };
  }

  return client;
}
