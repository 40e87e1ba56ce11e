import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createRandom, type Random } from "../simulation/random.ts";
import { freePort } from "../support/instances.ts";
import { complaintsOf, faultOf, readWhole, stateOf, type Told, wrongBlobs } from "./checks.ts";
import { type Load, startLoad } from "./load.ts";
import { createModel, type Model } from "./model.ts";
import { createVictim, type Victim } from "./victim.ts";

/** What to do. */
export interface KillRun {
  readonly kills: number;
  readonly seed: number;
  /** Items of the large dataset; 0 has none. */
  readonly largeItems: number;
  readonly say?: (line: string) => void;
}

/** What was done, and what was looked at meanwhile. */
export interface KillResult {
  readonly kills: Readonly<Record<string, number>>;
  /** Publishes and patches that were acknowledged. */
  readonly steps: number;
  /** Whole datasets that were read and compared with the model, by whom. */
  readonly reads: Readonly<Record<string, number>>;
}

const cli = join(import.meta.dirname, "../../packages/cli/bin/sluice.js");
const source = "--conditions=sluice-source";
const smallItems = 2_000;

/** How long anything may take to come back, in milliseconds. */
const deadlineMs = 60_000;

/**
 * Kills an origin, a sidecar and an application at any moment while one dataset or two are published and patched, and starts them
 * again. Throws what was not as it has to be: an acknowledged step that is lost, one that is there by halves or twice, a read that no
 * version has, a version that goes back, a process that does not come back by itself, damage, litter that grows.
 */
export async function runKills({ kills, seed, largeItems, say = () => {} }: KillRun): Promise<KillResult> {
  const world = await createWorld(seed, largeItems);
  try {
    await world.begin();
    for (let kill = 1; kill <= kills; kill++) {
      await world.killOne();
      if (kill % 10 === 0) say(`${kill} kills, ${world.result().steps} steps, ${JSON.stringify(world.result().reads)}`);
    }
    await world.end();
    return world.result();
  } finally {
    await world.clear();
  }
}

interface World {
  begin(): Promise<void>;
  killOne(): Promise<void>;
  end(): Promise<void>;
  result(): KillResult;
  clear(): Promise<void>;
}

async function createWorld(seed: number, largeItems: number): Promise<World> {
  const random = createRandom(seed);
  const directory = mkdtempSync(join(tmpdir(), "sluice-kill-"));
  const [originPort, sidecarPort] = [await freePort(), await freePort()];
  const [originUrl, sidecarUrl] = [`http://127.0.0.1:${originPort}`, `http://127.0.0.1:${sidecarPort}`];
  const data = {
    origin: join(directory, "origin"),
    sidecar: join(directory, "sidecar"),
    reader: join(directory, "reader"),
  };
  const models = [createModel("small", smallItems)];
  if (largeItems > 0) models.push(createModel("large", largeItems));
  const keys = new Map(models.map(({ dataset }, at) => [dataset, keysOf(at === 0 ? smallItems : largeItems)]));
  const faults: string[] = [];
  const fault = (what: string): void => void faults.push(what);
  const counts = { kills: {} as Record<string, number>, reads: { origin: 0, sidecar: 0, reader: 0 } };
  /** The newest that the living reader has shown of each dataset. */
  const shown = new Map<string, number>();
  const loads: Load[] = [];
  const stopping = new AbortController();
  let watching: Promise<unknown> = Promise.resolve();

  const origin = createVictim({
    name: "origin",
    // The same directory under either: what one has left in the middle of it, the other goes on from.
    start: () => [
      ...(random.chance(0.6) ? [source, join(import.meta.dirname, "hurried-origin.ts")] : [cli, "serve"]),
      "--data",
      data.origin,
      "--port",
      String(originPort),
    ],
    onDeath: fault,
  });
  const sidecar = createVictim({
    name: "sidecar",
    start: () => [cli, "sidecar", "--origin", originUrl, "--data", data.sidecar, "--port", String(sidecarPort)],
    onDeath: fault,
  });
  const reader = createVictim({
    name: "reader",
    start: () => {
      shown.clear();
      const url = random.chance(0.7) ? sidecarUrl : originUrl;
      const names = models.flatMap(({ dataset }) => ["--dataset", dataset]);
      return [source, join(import.meta.dirname, "reader.ts"), "--url", url, "--cache", data.reader, ...names];
    },
    onLine: (line) => heard(JSON.parse(line) as Told & { code?: string; message?: string }),
    onDeath: fault,
  });
  const victims: readonly Victim[] = [origin, sidecar, reader];

  function heard(told: Told & { code?: string; message?: string }): void {
    if (told.code !== undefined) {
      fault(`the reader met ${told.code}: ${told.message}`);
      return;
    }
    judge("reader", told);
    const before = shown.get(told.dataset) ?? 0;
    if (told.version < before) fault(`the reader went from v${before} of ${told.dataset} back to v${told.version}`);
    shown.set(told.dataset, told.version);
  }

  function judge(who: keyof typeof counts.reads, told: Told): void {
    const model = modelOf(told.dataset);
    const wrong = faultOf(model, told);
    if (wrong !== null) fault(`${who}: ${wrong}`);
    counts.reads[who]++;
  }

  function modelOf(dataset: string): Model {
    const model = models.find((one) => one.dataset === dataset);
    if (model === undefined) throw new Error(`there is no dataset ${dataset}`);
    return model;
  }

  /** Waits for something, as long as nothing is wrong. */
  async function until(what: string, ask: () => Promise<boolean> | boolean): Promise<void> {
    const end = performance.now() + deadlineMs;
    while (!(await ask())) {
      assertSound();
      if (performance.now() > end) throw new Error(`seed ${seed}: it never came to: ${what}\n${await scene()}`);
      await sleep(20);
    }
    assertSound();
  }

  /** Where everything stands, for whoever looks for the cause. */
  async function scene(): Promise<string> {
    const stands = [
      ...models.map((model) => `${model.dataset} is at v${model.acknowledged()}, newest v${model.newest()}`),
      `shown by the reader: ${JSON.stringify([...shown])}`,
    ];
    for (const url of [originUrl, sidecarUrl]) {
      for (const path of ["/readyz", "/v1/status"]) {
        const answer = await fetch(`${url}${path}`).then((response) => response.text(), String);
        stands.push(`${url}${path}: ${answer.slice(0, 3_000)}`);
      }
    }
    return [...stands, ...victims.map((victim) => `${victim.name}: ${victim.said().slice(-3_000)}`)].join("\n");
  }

  function assertSound(): void {
    if (faults.length === 0) return;
    throw new Error(
      `seed ${seed}, after ${JSON.stringify(counts.kills)}:\n${faults.slice(0, 5).join("\n")}\n${origin.said().slice(-2_000)}`,
    );
  }

  /** Reads everything through origin and sidecar by turns, whatever is killed meanwhile. */
  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      for (const [who, url] of [
        ["origin", originUrl],
        ["sidecar", sidecarUrl],
      ] as const) {
        const told = await readWhole(url, "small", keys.get("small") ?? []).catch((error: unknown) => {
          fault(`${who}: ${String(error)}`);
          return null;
        });
        if (told !== null) judge(who, told);
      }
      await sleep(50);
    }
  }

  /** What an origin that is back has to have: all that was acknowledged, the pending step whole or not at all. */
  async function checkOrigin(): Promise<void> {
    const before = models.map((model) => model.acknowledged());
    await until("an origin that answers", async () => {
      const state = await stateOf(originUrl);
      if (state === null) return false;
      for (const [index, model] of models.entries()) {
        const told = state.get(model.dataset) ?? { dataset: model.dataset, version: 0 };
        if (told.version < (before[index] ?? 0))
          fault(`v${before[index]} of ${model.dataset} was acknowledged and is lost: it is at v${told.version}`);
        if (told.version > 0) judge("origin", told);
      }
      const complaints = await complaintsOf(originUrl);
      for (const complaint of complaints ?? []) fault(`the status complains: ${complaint}`);
      return complaints !== null;
    });
  }

  /** Whoever follows comes to what was acknowledged when it was asked. */
  async function checkFollowers(who: readonly string[]): Promise<void> {
    const wanted = models.map((model) => [model.dataset, model.acknowledged()] as const);
    if (who.includes("sidecar")) {
      await until("a sidecar that has caught up", async () => {
        const state = await stateOf(sidecarUrl);
        return wanted.every(([dataset, number]) => (state?.get(dataset)?.version ?? 0) >= number);
      });
    }
    if (who.includes("reader")) {
      await until("a reader that has caught up", () =>
        wanted.every(([dataset, number]) => (shown.get(dataset) ?? 0) >= number),
      );
    }
  }

  return {
    async begin() {
      origin.start();
      await until("an origin", async () => (await stateOf(originUrl)) !== null);
      for (const { dataset } of models) {
        await fetch(`${originUrl}/v1/datasets`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ name: dataset, policy: "immediate" }),
        });
      }
      sidecar.start();
      reader.start();
      for (const [index, model] of models.entries()) {
        const pace = index === 0 ? { publishShare: 0.04, pauseMs: 15 } : { publishShare: 0.02, pauseMs: 400 };
        loads.push(startLoad(originUrl, model, random.fork(model.dataset), { ...pace, onFault: fault }));
      }
      watching = watch();
      await until("first versions", () => models.every((model) => model.acknowledged() > 0));
      await checkFollowers(["sidecar", "reader"]);
    },
    async killOne() {
      await sleep(random.int(500));
      const victim = random.pick([origin, origin, sidecar, reader]);
      await strike(victim, random, counts.kills);
      if (victim === origin) await checkOrigin();
      if (random.chance(0.3)) await checkFollowers(["sidecar", "reader"]);
      else if (victim !== origin) await checkFollowers([victim.name]);
      assertSound();
    },
    async end() {
      await Promise.all(loads.map((load) => load.stop()));
      await checkFollowers(["sidecar", "reader"]);
      // Once more from the disk, by the program that people run, with nothing going on.
      await origin.kill();
      await checkAfter();
      stopping.abort();
      await watching;
      assertSound();
    },
    result: () => ({
      kills: counts.kills,
      steps: loads.reduce((sum, load) => sum + load.steps(), 0),
      reads: { ...counts.reads },
    }),
    async clear() {
      stopping.abort();
      await Promise.all(victims.map((victim) => victim.kill()));
      await watching;
      if (faults.length === 0) rmSync(directory, { recursive: true, force: true });
    },
  };

  async function checkAfter(): Promise<void> {
    origin.start();
    await checkOrigin();
    for (const model of models) {
      for (const url of [originUrl, sidecarUrl]) {
        await until(`${model.dataset} whole`, async () => {
          const told = await readWhole(url, model.dataset, keys.get(model.dataset) ?? []);
          if (told === null) return false;
          judge(url === originUrl ? "origin" : "sidecar", told);
          return told.version === model.acknowledged();
        });
      }
    }
    for (const its of Object.values(data))
      for (const path of wrongBlobs(its)) fault(`${path} is not what its name says`);
  }
}

/** Kills a process, and half of the times again while it starts. */
async function strike(victim: Victim, random: Random, kills: Record<string, number>): Promise<void> {
  await victim.kill();
  kills[victim.name] = (kills[victim.name] ?? 0) + 1;
  victim.start();
  while (random.chance(0.3)) {
    await sleep(random.int(900));
    await victim.kill();
    kills[victim.name] = (kills[victim.name] ?? 0) + 1;
    victim.start();
  }
}

function keysOf(count: number): readonly string[] {
  return Array.from({ length: count + 50 }, (_, index) => `sku-${index}`);
}
