import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { eventually, freePort } from "./instances.ts";

const folder = join(import.meta.dirname, "../../examples/storefront");

/** The storefront's own processes, as anybody else starts them: the shop, its upstream, its payment side and its shoppers. */
export interface Storefront {
  /** `127.0.0.1:3001` of each process of the shop, where Prometheus finds its counters. */
  readonly metrics: readonly string[];
  /** One of the price files, as NDJSON, or `stock`. */
  file(name: string): Promise<string>;
  /** Requests a second that the shoppers make from now on. */
  pace(perSecond: number): Promise<void>;
  /** How many answers there were to requests that began between two times, and how many of them were bad. */
  tally(from: number, to: number): Promise<{ requests: number; bad: number }>;
  /** What the processes of the shop said: `{ type: "reverted", worker, publish, at }` and the like. */
  readonly messages: readonly Message[];
  end(): Promise<void>;
}

/** What a process of the storefront says over its channel. */
export interface Message {
  readonly type: string;
  readonly [name: string]: unknown;
}

const workersCount = 2;

/** Starts all of them over the data of an instance, which has to have prices and stock. */
export async function startStorefront(instance: string, directory: string): Promise<Storefront> {
  const children: ChildProcess[] = [];
  const messages: Message[] = [];

  /** Ends with the port that it says it listens on. */
  function start(file: string, options: Readonly<Record<string, string | number>>): Promise<number> {
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = fork(join(folder, file), args, {
      execArgv: ["--conditions=sluice-source"],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    children.push(child);
    let stderr = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    return new Promise((resolve, reject) => {
      child.on("message", (message: Message) => {
        messages.push(message);
        if (message.type === "listening") resolve(Number(message["port"]));
      });
      child.once("close", (code) => reject(new Error(`${file} ended with ${code} before it listened: ${stderr}`)));
    });
  }

  async function end(): Promise<void> {
    // In the order in which they depend on each other, the last one first.
    for (const child of children.toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const closed = once(child, "close");
      child.kill("SIGTERM");
      await closed;
    }
  }

  try {
    const upstream = `http://127.0.0.1:${await start("upstream.ts", {})}`;
    const payment = `http://127.0.0.1:${await start("payment.ts", { upstream })}`;
    const file = async (name: string): Promise<string> => (await fetch(`${upstream}/files/${name}.ndjson`)).text();
    await publish(instance, "stock", await file("stock"));
    await publish(instance, "prices", await file("v1"));
    const shop = await start("shop.ts", {
      port: await freePort(),
      workers: workersCount,
      sluice: instance,
      payment,
      directory: join(directory, "shop"),
    });
    const crowd = `http://127.0.0.1:${await start("shoppers.ts", { upstream, shop: `http://127.0.0.1:${shop}` })}`;
    const ports = await eventually("every process of the shop says where its counters are", () => {
      const said = messages.filter(({ type }) => type === "metrics").map((message) => String(message["port"]));
      return said.length === workersCount ? said : undefined;
    });
    return {
      metrics: ports.map((port) => `127.0.0.1:${port}`),
      file,
      async pace(perSecond) {
        await fetch(`${crowd}/pace`, { method: "POST", body: JSON.stringify({ perSecond }) });
      },
      async tally(from, to) {
        return (await (await fetch(`${crowd}/tally?from=${from}&to=${to}`)).json()) as {
          requests: number;
          bad: number;
        };
      },
      messages,
      end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Publishes NDJSON and gives the answer. */
export async function publish(
  instance: string,
  dataset: string,
  body: string,
  query = "",
): Promise<Record<string, unknown>> {
  const response = await fetch(`${instance}/v1/datasets/${dataset}/versions${query}`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body,
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(`${dataset} was not published: ${JSON.stringify(answer)}`);
  return answer;
}
