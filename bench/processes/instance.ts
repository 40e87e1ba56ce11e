import { spawn } from "node:child_process";
import { createReadStream, readFileSync } from "node:fs";
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pipeline } from "node:stream/promises";
import { endProcess } from "./case.ts";
import { listening } from "./listening.ts";
import { profileFlags } from "./profile.ts";

const sluice = join(import.meta.dirname, "../../packages/cli/bin/sluice.js");
const startMsMax = 120_000;

/** A real `sluice serve`. */
export interface Instance {
  readonly url: string;
  readonly pid: number;
  /** Sends JSON and gives the answer's; throws where it is refused. */
  post(path: string, body: unknown): Promise<unknown>;
  /** Streams a file of NDJSON into a dataset and gives the answer. `query` has no question mark. */
  publish(dataset: string, path: string, query?: string): Promise<unknown>;
  /** The most memory that it has had, in bytes. */
  peakBytes(): number;
  /** Ends it in order and waits until it is gone. */
  end(): Promise<void>;
}

/** Starts an instance over a directory; ends when it answers. */
export async function startInstance(directory: string, flags: readonly string[] = []): Promise<Instance> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = ["serve", "--data", directory, "--port", String(port), "--log-level", "error", ...flags];
  const child = spawn(process.execPath, [...profileFlags(), sluice, ...args], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const end = performance.now() + startMsMax;
  while (!(await answers(url))) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`sluice serve ended with ${child.exitCode ?? child.signalCode}`);
    }
    if (performance.now() > end) {
      await endProcess(child);
      throw new Error("sluice serve did not answer in time");
    }
    await sleep(50);
  }
  const agent = new Agent({ keepAlive: true });
  return {
    url,
    pid: child.pid ?? -1,
    post: (path, body) => send(agent, `${url}${path}`, "application/json", JSON.stringify(body)),
    publish: (dataset, path, query = "") =>
      send(agent, `${url}/v1/datasets/${dataset}/versions?${query}`, "application/x-ndjson", createReadStream(path)),
    peakBytes: () => peakBytesOf(child.pid ?? -1),
    async end() {
      agent.destroy();
      await endProcess(child);
    },
  };
}

/** A port that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listening(server);
  server.close();
  await once(server, "close");
  return port;
}

/** Posts a body, text or a stream, and gives the JSON that is answered, null for none. Throws where the answer is no success. */
export async function send(
  agent: Agent,
  url: string,
  type: string,
  body: string | NodeJS.ReadableStream,
): Promise<unknown> {
  const outgoing = request(url, { method: "POST", agent, headers: { "content-type": type } });
  const answered = once(outgoing, "response") as Promise<[IncomingMessage]>;
  if (typeof body === "string") outgoing.end(body);
  else await pipeline(body, outgoing);
  const [response] = await answered;
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk as string;
  if ((response.statusCode ?? 500) >= 300) throw new Error(`${url} answered ${response.statusCode}: ${text}`);
  return text === "" ? null : JSON.parse(text);
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/healthz`)).ok;
  } catch {
    return false;
  }
}

function peakBytesOf(pid: number): number {
  const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(found?.[1] ?? 0) * 1_024;
}
