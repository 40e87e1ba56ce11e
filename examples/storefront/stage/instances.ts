import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Child, Processes } from "./processes.ts";
import { createSluice, type Sluice } from "./sluice.ts";

/** The instances of Sluice that a scenario runs. */
export interface Instances {
  /** Owns the log. */
  readonly origin: Sluice;
  /** What the shop follows: the origin, or a sidecar that follows it. */
  readonly followed: Sluice;
  /** Ends the origin with SIGKILL. */
  killOrigin(): Promise<void>;
  /** Starts it again over the same data and waits until it answers. */
  startOrigin(): Promise<void>;
}

const awakeMs = 20_000;
const command = "../../packages/cli/bin/sluice.js";

/** Starts an origin over `data`, and a sidecar of the shop's own where there is to be one; ends when both answer. */
export async function startInstances(parts: {
  readonly processes: Processes;
  readonly data: string;
  readonly port: number;
  readonly directory: string;
  readonly hasSidecar: boolean;
  /** Where the token is without which the origin takes no alert; null: it takes any. */
  readonly alertsTokenFile: string | null;
}): Promise<Instances> {
  const { processes, data, port, directory, hasSidecar, alertsTokenFile } = parts;
  const token = alertsTokenFile === null ? [] : ["--alerts-token-file", alertsTokenFile];
  const origin = createSluice(`http://127.0.0.1:${port}`);
  mkdirSync(data, { recursive: true });
  let owner: Child;

  async function startOrigin(): Promise<void> {
    owner = processes.start({
      name: "sluice",
      file: command,
      args: ["serve", "--data", data, "--port", String(port), ...token],
    });
    await answers(origin, owner);
  }

  async function startSidecar(): Promise<Sluice> {
    const sidecarPort = await freePort();
    const sidecar = createSluice(`http://127.0.0.1:${sidecarPort}`);
    const args = ["--origin", origin.url, "--port", String(sidecarPort), "--data", join(directory, "sidecar")];
    const child = processes.start({
      name: "sidecar",
      file: command,
      args: ["sidecar", ...args, "--name", "the shop's host"],
    });
    await answers(sidecar, child);
    return sidecar;
  }

  await startOrigin();
  const followed = hasSidecar ? await startSidecar() : origin;
  return { origin, followed, startOrigin, killOrigin: () => owner.kill() };
}

async function answers(sluice: Sluice, child: Child): Promise<void> {
  const died = child.exited.then(() => {
    throw new Error(`${child.name} ended before it answered`);
  });
  await Promise.race([sluice.awake(awakeMs), died]);
}

/** A port that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
