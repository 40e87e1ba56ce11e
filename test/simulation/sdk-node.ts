import { type Client, createClient } from "@sluice/sdk";
import type { Disk } from "./disk.ts";
import { createNode, type Ground, type Node, type Process, type Program } from "./node.ts";
import { datasetNames } from "./shop.ts";

/** What an application reads in this world: items as they were published. */
export type ShopClient = Client<{ readonly [name: string]: unknown }>;

/** A program with an SDK in it. */
export interface SdkProgram extends Program {
  readonly client: ShopClient;
}

/** A host with an application. */
export type SdkNode = Node<SdkProgram>;

/** Makes an application's host. Without a directory it keeps nothing from one run to the next. */
export function createSdkNode(
  ground: Ground,
  host: string,
  options: {
    readonly urls: readonly string[];
    readonly directory: string | null;
    readonly disk: Disk | null;
    /** Called before the program is told that it has started. */
    readonly onClient: (client: ShopClient, process: Process) => void;
  },
): SdkNode {
  const { urls, directory, disk, onClient } = options;
  return createNode(ground, host, {
    disk,
    async launch(process) {
      const { clock, random, joined } = process;
      const { fetch } = joined;
      const client: ShopClient = await createClient({
        urls,
        app: "shop",
        name: host,
        datasets: Object.fromEntries(datasetNames.map((name) => [name, null])),
        cacheDirectory: directory,
        cacheItemsMax: 1 + random.int(40),
        waitForReady: random.chance(0.5),
        fetch,
        clock,
        random: random.next,
      });
      onClient(client, process);
      return { client, close: () => client.close() };
    },
  });
}
