import type { ReadManyAnswer, StatusAnswer } from "@sluice/core/api";
import { leaseMs } from "@sluice/core";
import { canonical } from "./content.ts";
import type { FollowersWatch } from "./followers-watch.ts";
import type { Judge } from "./judge.ts";
import type { Ground } from "./node.ts";
import type { SidecarNode } from "./sidecar-node.ts";
import { type DatasetName, datasetNames, keys, users } from "./shop.ts";
import { hold } from "./trace.ts";

/** Programs in other languages, which read through a sidecar. */
export interface SidecarReader {
  start(): void;
  stop(): void;
}

/** Somebody reads this often on average, in milliseconds. */
const readEveryMs = 700;

/** Reads through every sidecar that is up, and judges what it answers. */
export function createSidecarReader(
  ground: Ground,
  dependencies: {
    readonly sidecars: readonly SidecarNode[];
    readonly judge: Judge;
    readonly followers: FollowersWatch;
    /** Whether a byte has turned on a host's disk: then a read may say that it is corrupt. */
    readonly isRotten: (host: string) => boolean;
  },
): SidecarReader {
  const { clock, count, fatal } = ground;
  const { sidecars, judge, followers, isRotten } = dependencies;
  const random = ground.random.fork("sidecar reader");
  let stopped = false;

  const read = async (
    { program, process }: SidecarNode,
    dataset: DatasetName,
    user: string | undefined,
  ): Promise<void> => {
    const serve = program()?.serve;
    const party = process()?.joined;
    if (serve === undefined || party === undefined) return;
    const asked = clock.now();
    const body = JSON.stringify({ keys, as: user ?? null });
    const headers = { "content-type": "application/json" };
    const url = `http://in-process/v1/datasets/${dataset}/items`;
    const [answer, status] = await Promise.all([
      serve(new Request(url, { method: "POST", headers, body })),
      serve(new Request("http://in-process/v1/status")),
    ]);
    if (answer.status !== 200) {
      count(`sidecar read status ${answer.status}`);
      hold(
        "the answers",
        [404, 409, 503, ...(isRotten(party.host) ? [500] : [])].includes(answer.status),
        () => `${party.host} answers a read with ${answer.status}`,
      );
      return;
    }
    const { version, arm, release, items } = (await answer.json()) as ReadManyAnswer;
    const { sequence, following } = (await status.json()) as StatusAnswer;
    hold("the world", clock.now() === asked, () => "a read takes no time");
    count("sidecar read");
    const shown = judge.shown({
      dataset,
      user,
      follower: followers.of(party),
      sequence,
      version,
      arm,
      release,
      leaseHeld: (following?.contactAgeMs ?? Number.POSITIVE_INFINITY) < leaseMs,
      // What it holds whole it does not say here.
      preparedCandidate: undefined,
    });
    const expected = Object.fromEntries(
      keys.filter((key) => shown.items.has(key)).map((key) => [key, shown.items.get(key)]),
    );
    const given = Object.fromEntries(Object.entries(items).map(([key, value]) => [key, canonical(value)]));
    hold("invariant 4", canonical(given) === canonical(expected), () => {
      return `${party.host} reads v${version} of ${dataset} as ${canonical(given)} instead of ${canonical(expected)}`;
    });
  };

  const next = (): void => {
    clock.setTimer(-Math.log(1 - random.next()) * readEveryMs, () => {
      if (stopped) return;
      const user = random.chance(0.1) ? undefined : random.pick(users);
      for (const sidecar of sidecars) read(sidecar, random.pick(datasetNames), user).catch(fatal);
      next();
    });
  };

  return {
    start: next,
    stop() {
      stopped = true;
    },
  };
}
