import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { endProcess } from "./case.ts";
import { freePort } from "./instance.ts";

/** A Redis server of the bench's own, without persistence. */
export interface RedisServer {
  readonly port: number;
  end(): Promise<void>;
}

/** The version of the installed redis-server; null where there is none. Throws where there must be one (SLUICE_REQUIRE_REDIS=1). */
export function redisVersion(): string | null {
  const { status, stdout } = spawnSync("redis-server", ["--version"], { encoding: "utf8" });
  const version = status === 0 ? /v=(\S+)/.exec(stdout)?.[1] : undefined;
  if (version === undefined && process.env["SLUICE_REQUIRE_REDIS"] === "1") {
    throw new Error("SLUICE_REQUIRE_REDIS is 1 and there is no redis-server");
  }
  return version ?? null;
}

/** Starts one on a free loopback port; `directory` is where it lives. */
export async function startRedis(directory: string): Promise<RedisServer> {
  const port = await freePort();
  const pidFile = join(directory, "redis.pid");
  const child = spawn(
    "redis-server",
    ["--bind", "127.0.0.1", "--port", String(port), "--save", "", "--appendonly", "no", "--pidfile", pidFile],
    { cwd: directory, stdio: "ignore" },
  );
  for (let tries = 0; !existsSync(pidFile); tries++) {
    if (child.exitCode !== null || tries > 200) throw new Error("redis-server did not start");
    await sleep(50);
  }
  return { port, end: () => endProcess(child) };
}
