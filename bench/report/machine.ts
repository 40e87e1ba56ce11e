import { readFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { join } from "node:path";
import { redisVersion } from "../processes/redis.ts";

const gibibyte = 1_073_741_824;

/** What the figures were taken on and against, without the machine's name or paths. */
export function machineText(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const memory = Math.round(totalmem() / gibibyte);
  return `${availableParallelism()} cores of ${model}, ${memory} GiB, ${process.platform} ${process.arch}`;
}

/** Name and version of everything that takes part. */
export function versionsText(): string {
  const sluice = versionOf("../../package.json");
  const peers = ["lru-cache", "lmdb", "ioredis"].map(
    (name) => `${name} ${versionOf(`../node_modules/${name}/package.json`)}`,
  );
  const redis = redisVersion();
  const others = [`SQLite ${process.versions["sqlite"]}`, ...(redis === null ? [] : [`Redis ${redis}`])];
  return [`Sluice ${sluice}`, `Node ${process.versions.node}`, ...peers, ...others].join(", ");
}

function versionOf(path: string): string {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, path), "utf8")) as { version: string };
  return version;
}
