import { createClient } from "@sluice/sdk";
import type { Price } from "../data/items.ts";
import { serveCase } from "../processes/serve-case.ts";
import { until } from "../processes/until.ts";

/** What a process of several SDKs, each as if on a host of its own, can be told. */
export interface RevertReadersSteps {
  /** Connects one SDK to the instance for each directory. */
  connect(input: { readonly url: string; readonly directories: readonly string[] }): Promise<void>;
  /** Ends when every SDK shows the candidate of a release to somebody. From then on it looks for the revert. */
  armed(input: Expected): Promise<void>;
  /** Ends when every SDK has given a new view the stable item; gives when, on the monotonic clock in nanoseconds. */
  reverted(input: null): Promise<Float64Array>;
}

/** An item that a release changes. */
export interface Expected {
  readonly release: string;
  readonly key: string;
  readonly candidatePrice: number;
  readonly stablePrice: number;
}

const usersMax = 10_000;

interface Reader {
  readonly client: Awaited<ReturnType<typeof connect>>;
  /** Somebody who sees the candidate. */
  user: string;
  stableAt: number | null;
}

const readers: Reader[] = [];
let expected: Expected | undefined;

const steps: RevertReadersSteps = {
  async connect({ url, directories }) {
    for (const directory of directories) {
      const client = await connect(url, directory);
      const reader: Reader = { client, user: "", stableAt: null };
      client.on("reverted", ({ release }) => {
        if (expected?.release !== release) return;
        if (priceFor(reader) !== expected.stablePrice) throw new Error("a new view read what was reverted");
        reader.stableAt = Number(process.hrtime.bigint());
      });
      readers.push(reader);
    }
  },
  async armed(given) {
    expected = given;
    for (const reader of readers) {
      reader.stableAt = null;
      await until(
        () => findUser(reader, given),
        () => "an SDK shows the candidate to nobody",
      );
    }
  },
  async reverted() {
    await until(
      () => readers.every(({ stableAt }) => stableAt !== null),
      () => "not every SDK is on stable",
    );
    return Float64Array.from(readers, ({ stableAt }) => stableAt ?? Number.NaN);
  },
};

/** Who sees the candidate is drawn anew by each release. */
function findUser(reader: Reader, { release, candidatePrice }: Expected): boolean {
  if (reader.client.view({ targetingKey: "user" }).release("promotions") !== release) return false;
  for (let user = 0; user < usersMax; user++) {
    reader.user = `user-${user}`;
    if (priceFor(reader) === candidatePrice) return true;
  }
  // Prepared a moment later.
  return false;
}

function priceFor({ client, user }: Reader): number | undefined {
  const view = client.view({ targetingKey: user });
  return (view.get("promotions", expected?.key ?? "") as Price | undefined)?.price;
}

function connect(url: string, cacheDirectory: string) {
  return createClient({ url, app: "bench", datasets: { promotions: null }, cacheDirectory });
}

serveCase({ ...steps });
