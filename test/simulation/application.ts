import { isSluiceError, type VirtualClock } from "@sluice/core";
import type { View } from "@sluice/sdk";
import { canonical } from "./content.ts";
import type { Followed, FollowersWatch } from "./followers-watch.ts";
import type { ModelVersion } from "./history.ts";
import type { Judge } from "./judge.ts";
import type { Process } from "./node.ts";
import type { ShopClient } from "./sdk-node.ts";
import { type DatasetName, datasetNames, keys, users } from "./shop.ts";
import { hold, Violation } from "./trace.ts";

type ShopView = View<{ readonly [name: string]: unknown }>;

/** A view beside what the model says that it has to read, for as long as it lives. */
interface Watched {
  readonly view: ShopView;
  readonly user: string | undefined;
  readonly madeMs: number;
  readonly versions: ReadonlyMap<DatasetName, ModelVersion | null>;
}

/** The requests that a shop's process gets, and the judging of what they see. */
export interface Application {
  /** Makes views for a few users and judges them. */
  probe(): void;
  /** Makes a view for one user and judges it. */
  look(user: string | undefined): Watched;
  /** Reads everything, so that what is corrupt is found. */
  touch(): void;
}

/** How long the SDK's views live, in milliseconds. */
const viewMaxAgeMs = 10_000;

/** A request comes this often on average, in milliseconds. */
const requestEveryMs = 220;

/** Lets requests come to a process until it dies. */
export function createApplication(dependencies: {
  /** The world's, so that the shop's own traffic is no timer of the process. */
  readonly clock: VirtualClock;
  readonly process: Process;
  readonly client: ShopClient;
  readonly judge: Judge;
  readonly followers: FollowersWatch;
  readonly isClosed: () => boolean;
  /** Whether any process on this host ever heard that a host takes this release back for itself. */
  readonly isHere: (release: string) => boolean;
  /** Whether a byte has turned on its disk: then a read may find the part corrupt, once or twice, and never gives what it says. */
  readonly isRotten: () => boolean;
  readonly count: (what: string) => void;
  readonly fatal: (error: unknown) => void;
}): Application {
  const { clock, process, client, judge, followers, isClosed, isHere, isRotten, count, fatal } = dependencies;
  const { host, joined } = process;
  const random = process.random.fork("application");
  const follower: Followed = followers.of(joined);
  const held: Watched[] = [];
  const toldReverted = new Set<string>();

  client.on("reverted", ({ release }) => {
    const isFirst = !toldReverted.has(release);
    toldReverted.add(release);
    // What one host takes back for itself may come back, and be taken back again.
    if (!isFirst && !isHere(release))
      fatal(new Violation("invariant 6", `${host} says a second time that ${release} was reverted`));
  });

  const look = (user: string | undefined): Watched => {
    const { sequence, leaseHeld, datasets } = client.status();
    const view: ShopView = user === undefined ? client.view() : client.view({ targetingKey: user });
    const versions = new Map<DatasetName, ModelVersion | null>();
    for (const dataset of datasetNames) {
      const number = view.version(dataset);
      if (number === null) {
        versions.set(dataset, null);
        continue;
      }
      const version = judge.shown({
        dataset,
        user,
        follower,
        sequence,
        version: number,
        arm: view.arm(dataset),
        release: view.release(dataset),
        leaseHeld,
        preparedCandidate: datasets[dataset]?.candidate ?? null,
      });
      const hash = version.contentHash.slice(0, 16);
      hold(
        "invariant 5",
        view.cacheKey(dataset).endsWith(hash),
        () => `${host}: ${view.cacheKey(dataset)} is not ${hash}`,
      );
      versions.set(dataset, version);
    }
    count(datasetNames.some((dataset) => view.arm(dataset) === "candidate") ? "view of a candidate" : "view");
    return { view, user, madeMs: clock.now(), versions };
  };

  /** Reads a key in one of the ways there are. True where the value breaks whoever reads it. */
  const read = (watched: Watched, dataset: DatasetName, key: string): boolean => {
    const { view, versions, madeMs, user } = watched;
    const version = versions.get(dataset) ?? null;
    const where = (): string => `${host}: ${user} reads ${key} of v${version?.number} of ${dataset}`;
    const isExpired = clock.now() - madeMs >= viewMaxAgeMs;
    const expected = isExpired ? "VIEW_EXPIRED" : version === null ? "NOT_READY" : null;
    if (expected !== null) {
      const code = codeOf(() => view.get(dataset, key));
      hold("invariant 1", code === expected, () => `${where()} and gets ${code} instead of ${expected}`);
      return false;
    }
    const text = version?.items.get(key);
    const value = random.chance(0.1) ? view.getMany(dataset, [key]).get(key) : view.get(dataset, key);
    const same = text === undefined ? value === undefined : canonical(value) === text;
    hold("invariant 4", same, () => `${where()} as ${canonical(value)} instead of ${text}`);
    hold("invariant 4", Object.isFrozen(value), () => `${where()}, a value that can be changed`);
    hold("invariant 4", view.has(dataset, key) === (text !== undefined), () => `${where()}, which is there and is not`);
    return typeof value === "object" && value !== null && "bad" in value;
  };

  const attempt = <T>(act: () => T): T | undefined => {
    try {
      return act();
    } catch (error) {
      if (!isSluiceError(error, "CORRUPT") || !isRotten()) throw error;
      count("read of a corrupt part");
      return undefined;
    }
  };

  const walk = ({ view, versions }: Watched, dataset: DatasetName): void => {
    const version = versions.get(dataset) ?? null;
    if (version === null) return;
    const all = new Map([...view.entries(dataset)].map(([key, value]) => [key, canonical(value)]));
    const same = all.size === version.items.size && [...version.items].every(([key, text]) => all.get(key) === text);
    hold("invariant 4", same, () => `${host}: a walk over v${version.number} of ${dataset} gives other items`);
  };

  /** A view must not be used for what cannot be taken back once it is too old or reverted. */
  const commit = ({ view, madeMs }: Watched): void => {
    const isReverted = datasetNames.some((dataset) => {
      const release = view.release(dataset);
      return view.arm(dataset) === "candidate" && release !== null && judge.isReverted(follower, release);
    });
    hold("invariant 1", view.reverted || !isReverted, () => `${host}: a view does not know that it was reverted`);
    const expected = clock.now() - madeMs >= viewMaxAgeMs ? "VIEW_EXPIRED" : view.reverted ? "VIEW_REVERTED" : null;
    let done = false;
    const code = codeOf(() => view.commit(() => (done = true)));
    count(`commit ${code ?? "done"}`);
    hold("invariant 1", code === expected && done === (expected === null), () => {
      return `${host}: a commit comes to ${code ?? "done"} instead of ${expected ?? "done"}`;
    });
  };

  const visit = (): void => {
    const watched = look(random.chance(0.06) ? undefined : random.pick(users));
    const broken = [0, 1, 2].map(() => attempt(() => read(watched, random.pick(datasetNames), random.pick(keys))));
    if (random.chance(0.05)) attempt(() => walk(watched, random.pick(datasetNames)));
    if (random.chance(broken.includes(true) ? 0.9 : 0.01))
      watched.view.fail(random.chance(0.5) ? "error" : "below-cost");
    else if (random.chance(0.95)) watched.view.succeed();
    if (random.chance(0.3)) commit(watched);
    if (random.chance(0.3)) held.push(watched);
  };

  const revisit = (): void => {
    const old = held.length === 0 ? undefined : random.pick(held);
    if (old === undefined) return;
    for (const dataset of datasetNames) attempt(() => read(old, dataset, random.pick(keys)));
    commit(old);
    if (held.length > 6) held.splice(random.int(held.length), 1);
  };

  const next = (): void => {
    clock.setTimer(-Math.log(1 - random.next()) * requestEveryMs, () => {
      if (isClosed()) return;
      try {
        visit();
        revisit();
      } catch (error) {
        fatal(error);
        return;
      }
      next();
    });
  };
  next();

  return {
    probe() {
      for (let count = 0; count < 2; count++) look(random.pick(users));
    },
    look,
    touch() {
      for (const user of users) {
        const { view, versions } = look(user);
        for (const dataset of datasetNames) {
          if ((versions.get(dataset) ?? null) !== null) attempt(() => view.getMany(dataset, keys));
        }
      }
    },
  };
}

/** The code of what a call throws; null where it throws nothing. Throws on what is no error of Sluice. */
function codeOf(call: () => unknown): string | null {
  try {
    call();
    return null;
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    return error.code;
  }
}
