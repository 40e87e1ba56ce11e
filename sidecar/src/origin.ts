import type { Clock, CompactionLimits } from "@sluice/core";
import { leaseMs } from "@sluice/core";
import type { StatusAnswer } from "@sluice/core/api";
import { createLines, createShelf } from "@sluice/replica";
import type { Logger } from "pino";
import { createSignals, type PrometheusOptions } from "./alerts/signals.ts";
import type { SecretSource } from "./alerts/secret.ts";
import type { App } from "./app.ts";
import { createApp } from "./app.ts";
import { createBlobKeeper } from "./blob-keeper.ts";
import { createCommands } from "./commands.ts";
import { createCompactor } from "./compaction/compactor.ts";
import { createInlineWorkshop, type Workshop } from "./compaction/workshop.ts";
import { createContentFaults } from "./content-faults.ts";
import { createDraw } from "./draw.ts";
import { namesakeFaults } from "./followers/namesakes.ts";
import { createRegistry } from "./followers/registry.ts";
import { createFollowers } from "./followers.ts";
import { createGuards } from "./guard.ts";
import { createOriginFeed } from "./origin-feed.ts";
import { createHere } from "./here.ts";
import { hereStatusOf } from "./here-status.ts";
import { createMending } from "./mending.ts";
import { restore } from "./origin-checkpoint.ts";
import { createOriginHere } from "./origin-here.ts";
import { createPlans } from "./plans.ts";
import { createChangedKeys } from "./publish/lifted-keys.ts";
import { createInlineWorkbench, type Workbench } from "./publish/workbench.ts";
import type { Publisher } from "./publisher.ts";
import { createPublisher } from "./publisher.ts";
import { createReceiptBook } from "./receipt-book.ts";
import { watchRefusals } from "./refusals.ts";
import { createRestorer } from "./restore/restorer.ts";
import { baseSpacingMs, createVersionHistory } from "./restore/version-history.ts";
import type { RetentionLimits } from "./retention.ts";
import { defaultRetention } from "./retention.ts";
import { createAlertRoutes } from "./routes/alerts.ts";
import { createBlobRoutes } from "./routes/blobs.ts";
import { createDatasetRoutes } from "./routes/datasets.ts";
import { createFollowRoutes } from "./routes/follow.ts";
import { createHealthRoutes } from "./routes/health.ts";
import { createHereRoutes } from "./routes/here.ts";
import { createLogRoutes } from "./routes/log.ts";
import { createOnce } from "./routes/once.ts";
import { createPageRoutes } from "./routes/page.ts";
import { createRestoreRoutes } from "./routes/restore.ts";
import { createReadRoutes } from "./routes/read.ts";
import { createQuarantineRoutes } from "./routes/quarantine.ts";
import { createReceiptRoutes } from "./routes/receipts.ts";
import { createReleaseRoutes } from "./routes/releases.ts";
import { createReportRoutes } from "./routes/reports.ts";
import { createStatusRoutes } from "./routes/status.ts";
import { createSources } from "./sources/sources.ts";
import { statusOf } from "./status.ts";
import { watchStore } from "./store-faults.ts";
import type { Store } from "./store/port.ts";
import { createUpkeep } from "./upkeep.ts";
import { holdVanished } from "./vanished.ts";

/** What an origin is made with. */
export interface OriginDependencies {
  readonly store: Store;
  readonly clock: Clock;
  /** 0 to below 1. */
  readonly random: () => number;
  /** New with each start of the process. */
  readonly instance: string;
  /** What people know its host by; default `origin`. */
  readonly name?: string;
  /** For sources and Prometheus. */
  readonly fetch: typeof globalThis.fetch;
  readonly logger: Logger;
  /** Where uploads lie while they are compared; null keeps them in memory. */
  readonly spoolDirectory: string | null;
  readonly yieldNow: () => Promise<void>;
  readonly workbench?: Workbench;
  /** Builds the files that lines move to while patches go on. Default: in this thread. */
  readonly workshop?: Workshop;
  readonly compaction?: CompactionLimits;
  /** Default: a day of patches, at most 1 GiB, and a day of versions. */
  readonly retention?: Partial<RetentionLimits>;
  /** Who sends alerts has one of its tokens. Default: everybody who can ask this instance may. */
  readonly alertsToken?: SecretSource | null;
  /** Asked for the queries of plans. Default: none, and plans with queries are refused. */
  readonly prometheus?: PrometheusOptions | null;
}

/** An instance that owns a log. */
export interface Origin {
  readonly app: App;
  /** Says `bye` to followers, ends sources and what is in flight, keeps the guards' evidence, closes the store. */
  close(): Promise<void>;
}

/**
 * Goes on from the last checkpoint, prepares what the log names, and puts the parts of an origin together. Nothing listens.
 * Throws CORRUPT where the log is damaged, or its checkpoints are and patches that they covered have gone.
 */
export async function createOrigin(dependencies: OriginDependencies): Promise<Origin> {
  const { store, clock, random, logger, instance } = dependencies;
  const { blobs } = store;
  const storeFaults = watchStore({ log: store.log, clock, logger });
  const { log } = storeFaults;
  const shelf = createShelf({
    blobs,
    clock,
    onDamage: (name, error) =>
      logger.error({ err: error, blob: name }, "a part file is damaged and this is the only copy"),
  });
  const broken = new Set<string>();
  const lines = createLines({
    shelf,
    onFault: ({ dataset, publish, blob, error }) => {
      if (blob !== null) broken.add(blob);
      logger.error({ err: error, dataset, publish }, "a version cannot be read and is not served");
    },
  });
  const initial = await restore(log, lines, logger);
  shelf.retain(lines.versions());
  const content = createContentFaults({ lines, shelf, broken });
  for (const dataset of Object.values(initial.datasets)) {
    for (const fault of content.faults(dataset)) logger.error({ dataset: dataset.name }, fault);
  }

  const commands = createCommands({ log, clock, logger, initial, lines });
  const registry = createRegistry({ clock, logger, leaseMs });
  const book = await createReceiptBook({ commands, registry, documents: log, clock, logger });
  const { receipts } = book;
  const refusals = watchRefusals({ commands, registry, clock, logger });
  const vanished = holdVanished({ commands, registry, clock, leaseMs, logger });
  commands.subscribe({ events: () => shelf.retain(lines.versions()) });

  const hereBook = await createOriginHere({ documents: log, logger });
  const here = createHere({
    host: dependencies.name ?? "origin",
    clock,
    logger,
    receipts,
    state: () => commands.state(),
    silence: () => null,
    marked: (release) => commands.marks().some((mark) => mark.release === release),
    hosts: () => hereBook.hosts(),
    followers: () => registry.live(),
    take: (hosts) => hereBook.take(hosts),
    outlivesProcess: true,
    concerns: ({ kind, via }) => kind === "sdk" && via === null,
  });
  registry.subscribe({
    confirmation: (confirmation) => {
      if (confirmation.here !== undefined) here.heard(confirmation.here);
    },
  });
  const feed = createOriginFeed({ commands, log, blobs, here: hereBook, lines: () => lines.current() });
  const followers = createFollowers({ feed, registry, clock, random, logger, instance });
  const guards = createGuards({ commands, documents: log, clock, logger });
  await guards.start();

  const keeper = createBlobKeeper({ blobs, clock });
  const limits = { ...defaultRetention, ...dependencies.retention };
  const history = createVersionHistory({ log, commands, clock, limits });
  const upkeep = await createUpkeep({
    store: { ...store, log },
    keeper,
    commands,
    lines,
    history,
    clock,
    logger,
    limits,
  });
  const mending = createMending({ blobs, shelf, lines, broken });
  const { yieldNow } = dependencies;
  const workbench = dependencies.workbench ?? createInlineWorkbench({ blobs: keeper.blobs, yieldNow });
  const made = createPublisher({ ...dependencies, commands, blobs: keeper.blobs, log, mending, workbench });
  const publisher: Publisher = {
    ...made,
    offer: (upload, seen) => keeper.during(() => made.offer(upload, seen)),
    publish: (upload) => keeper.during(() => made.publish(upload)),
  };
  await publisher.start();
  const restorer = createRestorer({ ...dependencies, commands, history, log, keeper, workbench });
  const compactor = createCompactor({
    commands,
    keeper,
    workshop: dependencies.workshop ?? createInlineWorkshop((name) => blobs.open(name)),
    clock,
    logger,
    yieldNow,
    baseAgeMsMax: baseSpacingMs(limits.keepVersionsMs),
    ...(dependencies.compaction === undefined ? {} : { limits: dependencies.compaction }),
  });
  compactor.start();
  const sources = createSources({ ...dependencies, commands, publisher, documents: log });
  const plans = createPlans({ commands, guards, clock, logger });
  const signals = await createSignals({ ...dependencies, commands, documents: log });
  sources.start();

  const status = (): StatusAnswer =>
    statusOf({
      instance,
      role: "origin",
      log: log.id,
      state: commands.state(),
      at: clock.wall(),
      following: null,
      followers: {
        list: () => registry.list(),
        prepared: (release) => registry.prepared(release),
        receipt: (release, action) => receipts.get(release, action),
      },
      guard: (release) => guards.status(release),
      sources: (dataset) => sources.status(dataset),
      marks: () => commands.announced(),
      here: () => hereStatusOf(commands.state(), hereBook.hosts(), registry.live()),
      faults: (dataset) => [
        ...storeFaults.faults(),
        ...content.faults(dataset),
        ...signals.faults(dataset),
        ...refusals.faults(dataset.name),
        ...vanished.faults(dataset.name),
        ...namesakeFaults(registry),
      ],
      queries: (release) => signals.queries(release),
      store: upkeep.status(),
    });

  const once = createOnce(log);
  const shared = { commands, receipts, once, waiting: (dataset: string) => sources.waiting(dataset) };
  const app = createApp({
    logger,
    routes: [
      createFollowRoutes({ followers }),
      createReportRoutes({ outcomes: guards, registry, instance }),
      createBlobRoutes({ blobs }),
      createReadRoutes({
        state: () => commands.state(),
        lines: (dataset) => commands.lines(dataset),
        marked: (release) =>
          commands.marks().some((mark) => mark.release === release) || hereBook.inForce(commands.state()).has(release),
        leaseHeld: () => true,
        silence: () => null,
      }),
      createDatasetRoutes({
        ...shared,
        publisher,
        draw: createDraw(random),
        refuseUnusable: (plan) => signals.refuseUnusable(plan),
      }),
      createQuarantineRoutes({ ...shared, changedKeys: createChangedKeys(workbench) }),
      createRestoreRoutes({ ...shared, restorer }),
      createReleaseRoutes({ ...shared, guards }),
      createReceiptRoutes({ receipts }),
      createHereRoutes({ here, receipts }),
      createAlertRoutes({ alerts: signals.alerts, token: dependencies.alertsToken ?? null, logger }),
      createStatusRoutes({ clock, status }),
      createLogRoutes({ log }),
      createHealthRoutes(() => readiness(status())),
      createPageRoutes(),
    ],
  });

  return {
    app,
    async close() {
      plans.close();
      refusals.close();
      vanished.close();
      here.close();
      await signals.close();
      await sources.close();
      await publisher.close();
      await restorer.close();
      await compactor.close();
      await followers.drain();
      await guards.close();
      await commands.close();
      await upkeep.close();
      history.close();
      followers.close();
      await book.close();
      registry.close();
      shelf.close();
      storeFaults.close();
      await store.close();
    },
  };
}

/** An origin whose log is open serves; a source that fails is said and keeps nobody from reading. */
function readiness({ datasets }: StatusAnswer): { ready: boolean; reasons: readonly string[] } {
  const reasons = datasets.flatMap(({ name, health }) => health.reasons.map((reason) => `${name}: ${reason}`));
  return { ready: true, reasons };
}
