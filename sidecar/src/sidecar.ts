import { join } from "node:path";
import type { Clock } from "@sluice/core";
import { leaseMs } from "@sluice/core";
import type { OutcomeBatch, StatusAnswer } from "@sluice/core/api";
import type { Connection } from "@sluice/replica";
import { createRecordFile, createReplica } from "@sluice/replica";
import type { Logger } from "pino";
import type { App } from "./app.ts";
import { createApp } from "./app.ts";
import { diskFaults } from "./disk-faults.ts";
import { cutOffFaults } from "./cut-off-faults.ts";
import { createRegistry } from "./followers/registry.ts";
import { createFollowers } from "./followers.ts";
import { createHere } from "./here.ts";
import { hereStatusOf } from "./here-status.ts";
import { createLocalGuard } from "./local-guard.ts";
import { markReach } from "./mark-reach.ts";
import { createOwnerFinder } from "./owner-finder.ts";
import { createReceipts } from "./receipts.ts";
import { createBlobRoutes } from "./routes/blobs.ts";
import { createElsewhereRoutes } from "./routes/elsewhere.ts";
import { createFollowRoutes } from "./routes/follow.ts";
import { createHereRoutes } from "./routes/here.ts";
import type { Readiness } from "./routes/health.ts";
import { createHealthRoutes } from "./routes/health.ts";
import { createReadRoutes } from "./routes/read.ts";
import { createReceiptRoutes } from "./routes/receipts.ts";
import { createReportRoutes } from "./routes/reports.ts";
import { createStatusRoutes } from "./routes/status.ts";
import { createSoundReports } from "./sound-reports.ts";
import { statusOf } from "./status.ts";

/** What a sidecar is made with. */
export interface SidecarDependencies {
  /** Instances to follow, tried in order. */
  readonly origins: readonly string[];
  /** New with each start of the process. */
  readonly instance: string;
  /** What people know it by. */
  readonly name: string;
  /** Where part files and the last known good position are kept; null keeps them in memory. */
  readonly directory: string | null;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  /** 0 to below 1. */
  readonly random: () => number;
  readonly logger: Logger;
}

/** An instance that follows another one. */
export interface Sidecar {
  readonly app: App;
  /** How the connection to the origin stands. */
  connection(): Connection;
  /** Says `bye` to followers, sends what is waiting on its way up, writes the position. */
  close(): Promise<void>;
}

/** Starts to follow, and tells those who follow it what it is told itself, at once. Nothing listens. */
export async function createSidecar(dependencies: SidecarDependencies): Promise<Sidecar> {
  const { origins, instance, name, directory, fetch, clock, random, logger } = dependencies;
  const replica = createReplica({
    urls: origins,
    id: instance,
    name,
    kind: "sidecar",
    datasets: null,
    directory,
    fetch,
    clock,
    random,
  });
  const registry = createRegistry({ clock, logger, leaseMs });
  const receipts = createReceipts({ clock, registry });
  const here = createHere({
    host: name,
    clock,
    logger,
    receipts,
    state: () => replica.snapshot().state,
    silence,
    marked: (release) => replica.feed.marks().some((mark) => mark.release === release),
    reach(release) {
      const mark = replica.feed.marks().find((each) => each.release === release);
      return mark === undefined ? null : markReach(mark, { host: name, following: following() });
    },
    hosts: () => replica.feed.here("sdk"),
    followers: () => registry.live(),
    take: (hosts) => replica.takeBackHere(hosts),
    outlivesProcess: directory !== null,
  });
  registry.subscribe({
    confirmation(confirmation) {
      if (confirmation.here !== undefined) here.heard(confirmation.here);
      replica.reporter.confirm(confirmation);
    },
    children: (followers) =>
      replica.reporter.children({ of: instance, followers }, (id) =>
        registry.confirmationOf(id, replica.snapshot().state),
      ),
    left: ({ id }) => replica.reporter.left([id]),
  });
  function following(): NonNullable<StatusAnswer["following"]> {
    const { url, phase } = replica.connection();
    return {
      url: url ?? origins[0] ?? "",
      contactAgeMs: replica.contactAgeMs(),
      connected: phase === "connected",
    };
  }
  function silence(): string | null {
    if (replica.snapshot().log !== null) return null;
    const { error } = replica.connection();
    return `no contact yet with ${origins.join(", ")}${error === null ? "" : ` (${error.message})`}`;
  }

  const localGuard = createLocalGuard({
    host: name,
    clock,
    logger,
    snapshot: () => replica.snapshot(),
    contactAgeMs: () => replica.contactAgeMs(),
    present: (mark) => replica.present(mark),
    file: directory === null ? null : createRecordFile(join(directory, `guard.${fileNameOf(name)}`), instance),
  });
  const finder = createOwnerFinder({ fetch, clock, log: () => replica.snapshot().log });
  const soundReports = createSoundReports({ logger });
  const receive = (batch: OutcomeBatch): void => {
    const sound = soundReports.of(batch);
    if (replica.reporter.merge(sound)) localGuard.receive(sound);
  };
  const followers = createFollowers({ feed: replica.feed, registry, clock, random, logger, instance });
  await replica.start();
  await localGuard.start();
  soundReports.follow(replica.snapshot());
  replica.subscribe(({ snapshot, previous }) => {
    // Its sequence numbers say nothing of this one. Who follows comes back and says anew what it holds.
    if (snapshot.log !== previous.log) registry.forgetConfirmed();
    soundReports.follow(snapshot);
    localGuard.follow(snapshot);
  });

  const status = (): StatusAnswer => {
    const snapshot = replica.snapshot();
    const { log, state } = snapshot;
    return statusOf({
      instance,
      role: "follower",
      log,
      state,
      at: clock.wall(),
      following: following(),
      followers: {
        list: () => registry.list(),
        prepared: (release) => registry.prepared(release),
        receipt: (release, action) => receipts.get(release, action),
      },
      guard: () => undefined,
      sources: () => [],
      marks: () => replica.feed.marks(),
      reach: (mark) => markReach(mark, { host: name, following: following() }),
      here: () => hereStatusOf(state, replica.feed.here("sdk"), registry.live()),
      // What is not here yet is fetched; readiness says what is missing.
      faults: (dataset) => [...cutOffFaults(dataset, snapshot, following()), ...diskFaults(name, replica)],
    });
  };

  const readiness = (): Readiness => {
    const { state, datasets } = replica.snapshot();
    const reason = silence();
    if (reason !== null) return { ready: false, reasons: [reason] };
    const missing = Object.values(state.datasets).filter(
      (dataset) => dataset.stable !== null && (datasets.get(dataset.name)?.stable ?? null) === null,
    );
    return { ready: missing.length === 0, reasons: missing.map((dataset) => `${dataset.name} is not prepared yet`) };
  };

  const app = createApp({
    logger,
    routes: [
      createFollowRoutes({ followers }),
      createReportRoutes({ outcomes: { receive }, registry, instance }),
      createBlobRoutes({ blobs: replica.blobs, arrivals: { clock, arrival: (name) => replica.arrival(name) } }),
      createReadRoutes({
        state: () => replica.snapshot().state,
        lines: (dataset) => replica.snapshot().datasets.get(dataset) ?? { stable: null, candidate: null },
        marked: (release) => replica.snapshot().marks.has(release),
        leaseHeld: () => replica.leaseHeld(),
        silence,
      }),
      createStatusRoutes({ clock, status }),
      createHealthRoutes(readiness),
      createHereRoutes({ here, receipts }),
      createReceiptRoutes({ receipts }),
      createElsewhereRoutes({ following, finder }),
    ],
  });

  return {
    app,
    connection: () => replica.connection(),
    async close() {
      here.close();
      await followers.drain();
      await localGuard.close();
      await replica.close();
      followers.close();
      receipts.close();
      registry.close();
    },
  };
}

/** A host's name as part of a file's. */
function fileNameOf(name: string): string {
  return encodeURIComponent(name)
    .replaceAll(/[^0-9A-Za-z.-]/g, "_")
    .slice(0, 100);
}
