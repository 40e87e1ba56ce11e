import { createClient } from "@sluice/sdk";
import { serveCase } from "../processes/serve-case.ts";

/** What a process that waits for a first version can be told. */
export interface SdkWaiterSteps {
  /** Connects to an instance that may have no version yet. */
  connect(input: { readonly url: string; readonly cacheDirectory: string }): Promise<void>;
  /** Ends when the version is prepared and `key` was read from it; gives the machine's monotonic time in nanoseconds. */
  prepared(input: { readonly key: string }): Promise<number>;
}

const readyMsMax = 600_000;

let client: Awaited<ReturnType<typeof connect>> | undefined;

const steps: SdkWaiterSteps = {
  async connect({ url, cacheDirectory }) {
    client = await connect(url, cacheDirectory);
  },
  async prepared({ key }) {
    if (client === undefined) throw new Error("connect comes first");
    await client.ready(readyMsMax);
    const at = Number(process.hrtime.bigint());
    if (client.view().get("prices", key) === undefined) throw new Error(`${key} is not there`);
    return at;
  },
};

function connect(url: string, cacheDirectory: string) {
  return createClient({ url, app: "bench", datasets: { prices: null }, cacheDirectory, waitForReady: false });
}

serveCase({ ...steps });
