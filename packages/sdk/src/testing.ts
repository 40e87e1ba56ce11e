import { type Arm, armOf, bucketOf, createVirtualClock, type GuardConfig, own, SluiceError } from "@sluice/core";
import type { Outcome } from "@sluice/replica";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type Client, createReplicaClient } from "./client.ts";
import type { Frozen } from "./freeze.ts";
import { createMemoryReplica, type PlainItems, type Served } from "./memory-replica.ts";
import { clientDefaults } from "./options.ts";
import { type DatasetSchemas, type ItemsOf, refuseAsync } from "./schema.ts";

export type { PlainItems, Served } from "./memory-replica.ts";

/** What a test client starts with. */
export interface TestClientOptions<Items extends object> {
  /** The stable version of each dataset, by key. */
  readonly datasets: { readonly [Name in keyof Items]: Readonly<Record<string, Items[Name]>> };
  /** Whole candidate versions, held. */
  readonly candidate?: NoInfer<{ readonly [Name in keyof Items]?: Readonly<Record<string, Items[Name]>> }>;
  /** Starts a release of every candidate, at 0 to 100 percent. */
  readonly percentage?: number;
  /** Default 10,000. Time stands still but for `advance`. */
  readonly viewMaxAgeMs?: number;
  /** What the guards of the plans take for slow, and which views they count; default: nothing is slow, views that read a difference. */
  readonly guard?: Partial<Pick<GuardConfig, "slowMs" | "counting">>;
}

/** A client over plain objects: the views, caches and release rules of the real one, with nothing beneath but memory. */
export interface TestClient<Items extends object> extends Client<Items> {
  /** What views were counted as, oldest first. */
  readonly outcomes: readonly Outcome[];
  /** Views with a targeting key by the line that they were served, by `release/epoch`. */
  readonly served: ReadonlyMap<string, Served>;
  /** Publishes a whole version, held as the candidate. Throws RELEASE_RUNNING. */
  publish(dataset: keyof Items & string, items: PlainItems): void;
  /** Sets and removes items in both lines at once. */
  patch(dataset: keyof Items & string, items: PlainItems, remove?: readonly string[]): void;
  /** Starts a release of every held candidate at 0 to 100 percent. Throws NOTHING_HELD, VALIDATION. */
  startRelease(percentage: number): void;
  /** Moves every running release to 0 to 100 percent. Throws VALIDATION. */
  setPercentage(percentage: number): void;
  /** Shows every running candidate to everybody; a second time ends the bake. */
  promote(): void;
  /** Takes every running or baking release back. Throws NOTHING_TO_REVERT. */
  revert(reason?: string): void;
  /** Whether the client may serve candidates below 100 %; it may at the start. */
  setLease(held: boolean): void;
  /** Moves time on, so that views grow old. */
  advance(durationMs: number): void;
  /** A targeting key that falls in an arm of a dataset's release now. Throws RELEASE_UNKNOWN, or VALIDATION where that arm is empty. */
  targetingKey(dataset: keyof Items & string, arm: Arm): string;
}

type InputsOf<Datasets extends DatasetSchemas> = {
  readonly [Name in keyof Datasets]: Datasets[Name] extends StandardSchemaV1
    ? StandardSchemaV1.InferInput<Datasets[Name]>
    : unknown;
};

/** Makes a client whose items are checked by the application's own schemas. Throws SCHEMA_ASYNC, VALIDATION. */
export function createTestClient<const Datasets extends DatasetSchemas>(
  options: TestClientOptions<InputsOf<Datasets>> & { readonly schemas: Datasets },
): TestClient<ItemsOf<Datasets>>;
/** Makes a client whose items are taken as they are given. Throws VALIDATION. */
export function createTestClient<Items extends object>(
  options: TestClientOptions<Items>,
): TestClient<{ readonly [Name in keyof Items]: Frozen<Items[Name]> }>;
export function createTestClient<Items extends object>(
  options: TestClientOptions<Items> & { readonly schemas?: DatasetSchemas },
): TestClient<Items> {
  const clock = createVirtualClock();
  const replica = createMemoryReplica({ clock, guard: options.guard ?? {} });
  const datasets = Object.entries<PlainItems>(options.datasets);
  const schemas = Object.fromEntries(datasets.map(([name]) => [name, own(options.schemas ?? {}, name) ?? null]));
  for (const [name, items] of datasets) {
    refuseAsync(name, schemas[name] ?? null);
    replica.createDataset(name);
    replica.publish(name, items);
  }
  for (const [name, items] of Object.entries<PlainItems | undefined>(options.candidate ?? {})) {
    if (items !== undefined) replica.publish(name, items);
  }
  const client = createReplicaClient<Items>(replica, {
    ...clientDefaults,
    cacheItemsMax: 10_000,
    schemas,
    clock,
    viewMaxAgeMs: options.viewMaxAgeMs ?? clientDefaults.viewMaxAgeMs,
  });

  let releases = 0;
  const active = (): string[] => {
    const { state } = replica.snapshot();
    return Object.values(state.datasets).flatMap(({ release }) => (release === null ? [] : [release]));
  };
  const testClient: TestClient<Items> = {
    ...client,
    outcomes: replica.outcomes,
    served: replica.served,
    publish: (dataset, items) => replica.publish(dataset, items),
    patch: (dataset, items, remove) => replica.patch(dataset, items, remove),
    startRelease(percentage) {
      const held = Object.values(replica.snapshot().state.datasets).filter(
        ({ candidate, release }) => candidate !== null && release === null,
      );
      if (held.length === 0) throw new SluiceError("NOTHING_HELD", "no dataset holds a candidate; publish one first");
      for (const { name } of held) {
        releases += 1;
        replica.command({
          type: "start-release",
          dataset: name,
          publish: null,
          plan: null,
          thousandths: Math.round(percentage * 1000),
          acceptQuarantined: true,
          draw: { release: `release-of-${name}-${releases}`, salt: `salt-of-${name}-${releases}` },
        });
      }
    },
    setPercentage(percentage) {
      for (const release of active()) {
        replica.command({ type: "set-percentage", release, thousandths: Math.round(percentage * 1000), epoch: null });
      }
    },
    promote() {
      for (const release of active()) replica.command({ type: "promote", release, epoch: null });
    },
    revert(reason = "reverted by a test") {
      const releases = active();
      if (releases.length === 0) throw new SluiceError("NOTHING_TO_REVERT", "no release is running; start one first");
      const cause = { reason, evidence: null };
      for (const release of releases) replica.command({ type: "revert", target: { release }, cause });
    },
    setLease: (held) => replica.setLease(held),
    advance: (durationMs) => clock.advance(durationMs),
    targetingKey(dataset, arm) {
      const release = replica.releaseOf(dataset);
      const { salt = "", thousandths = 0 } = own(replica.snapshot().state.releases, release) ?? {};
      for (let index = 0; index < 1_000_000; index++) {
        const key = `user-${index}`;
        if (armOf(bucketOf(salt, key), thousandths) === arm) return key;
      }
      throw new SluiceError("VALIDATION", `nobody is in the ${arm} arm of ${dataset} at ${thousandths / 1000} %`);
    },
  };
  if (options.percentage !== undefined) testClient.startRelease(options.percentage);
  return testClient;
}
