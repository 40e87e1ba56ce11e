// The schemas are loaded by the code under test when it needs them; loaded before, they come in the same turn in every run.
import "@sluice/core/api";
import "node:sqlite";
import type { Frame } from "@sluice/core/api";
import { createVirtualClock, type VirtualClock } from "@sluice/core";
import { type Application, createApplication } from "./application.ts";
import { type Chaos, createChaos, type Mortal } from "./chaos.ts";
import { createDisk, type Disk } from "./disk.ts";
import { createFollowersWatch, type FollowersWatch } from "./followers-watch.ts";
import { createHands, type Hands, handsName } from "./hands.ts";
import { createHereWatch, type HereWatch } from "./here-watch.ts";
import { createHistory, describe, type History } from "./history.ts";
import { createJudge, type Judge } from "./judge.ts";
import { createNetwork, type Forge, type Network, type Party } from "./network.ts";
import type { Ground, Process } from "./node.ts";
import { createOperators, type Operators } from "./operators.ts";
import { createOriginNode, type OriginNode, originUrl } from "./origin-node.ts";
import { createRevertsWatch } from "./reverts-watch.ts";
import { createRandom, type Random } from "./random.ts";
import { createSdkNode, type SdkNode, type ShopClient } from "./sdk-node.ts";
import { createSidecarReader, type SidecarReader } from "./sidecar-reader.ts";
import { createSidecarNode, type SidecarNode } from "./sidecar-node.ts";
import { createTrace, hold, type Trace } from "./trace.ts";
import { attachDisk, detachDisks } from "./virtual-fs.ts";

/** What breaks a world on purpose, so that its judges are judged. */
export interface Sabotage {
  readonly forge?: Forge;
  /** Called once, when the nodes are made. */
  readonly prepare?: (world: World) => void;
}

/** One world: everything in it is a function of its seed. */
export interface World {
  readonly seed: number;
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly trace: Trace;
  readonly network: Network;
  readonly history: History;
  readonly followers: FollowersWatch;
  readonly judge: Judge;
  readonly here: HereWatch;
  readonly origin: OriginNode;
  readonly sidecars: readonly SidecarNode[];
  readonly sdks: readonly SdkNode[];
  readonly operators: Operators;
  readonly reader: SidecarReader;
  readonly hands: Hands;
  readonly chaos: Chaos;
  /** Whether a byte has turned on a host's disk, so that a read may find it. */
  isRotten(host: string): boolean;
  /** The application on a host, while its process lives. */
  application(host: string): Application | undefined;
  /** Moves on, step by step; after each all that is under way in memory comes to rest and is judged. Throws what went wrong. */
  run(durationMs: number): Promise<void>;
  /** Moves on until something is so. False where it is not within `durationMs`. */
  runUntil(durationMs: number, condition: () => boolean): Promise<boolean>;
  /** Moves on until a promise has settled, and gives what it comes to. */
  settled<T>(promise: Promise<T>): Promise<T>;
  readonly steps: number;
  /** How often what happened. */
  readonly counts: ReadonlyMap<string, number>;
  readonly count: (what: string) => void;
}

/** What is asked in process is answered within this, in milliseconds. */
const settledMsMax = 10_000;

/** So many timers may fall due at one instant; more are a program that spins. */
const stepsAtOnceMax = 10_000;

/** Turns of the event loop after each step: whatever takes promises and no time has its way. */
function rest(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Makes a world, in which nothing runs yet. */
export function createWorld(seed: number, sabotage: Sabotage = {}, print?: (line: string) => void): World {
  const clock = createVirtualClock();
  const random = createRandom(seed);
  const nowMs = (): number => clock.now();
  const trace = createTrace(nowMs, print);
  const failures: unknown[] = [];
  const fatal = (error: unknown): void => void failures.push(error);
  const counts = new Map<string, number>();
  const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1);
  const touched = new Set<Party>();
  const applications = new Map<string, { readonly process: Process; readonly application: Application }>();
  const disks = new Map<string, Disk>();
  let steps = 0;
  let stepsSince = 0;

  detachDisks();
  const here = createHereWatch({ hasDisk: (host) => disks.has(host), isRotten: (host) => isRotten(host) });
  const followers = createFollowersWatch({ here, nowMs, keepsDisk: (host) => disks.has(host) });
  const network = createNetwork({
    clock,
    random: random.fork("network"),
    trace,
    forge: sabotage.forge ?? null,
    watcher: {
      arrived(arrival) {
        // Thrown here it would end the network's turn in the middle.
        attempt(() => followers.arrived(arrival));
        trace.detail(`${arrival.frame.type} from ${arrival.from.host} has reached ${arrival.to.host}`);
        if (arrival.frame.type === "heartbeat") return;
        touched.add(arrival.to);
        count(`${arrival.frame.type} arrived`);
        if (bringsRevert(arrival.frame)) chaos.reverted(arrival.to.host);
      },
      reached(request) {
        const { from, to, method, path } = request;
        attempt(() => followers.reached(request));
        attempt(() => reverts.reached(request));
        trace.detail(`${method} ${path} of ${from.host} has reached ${to.host}`);
      },
      fatal,
    },
  });
  const attempt = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      fatal(error);
    }
  };

  const ground: Ground = { clock, random, trace, network, count, fatal };
  const origin = createOriginNode(ground, followers.ownerDied);
  const history = createHistory({
    log: origin.disk.events,
    nowMs,
    onEvent(logged, before) {
      const { event, sequence } = logged;
      trace.note(describe(logged));
      hold("here", logged.by.name !== handsName, () => `event ${sequence} comes of what one host did for itself`);
      operators.judge(logged, before);
      reverts.event(logged);
      if (event.type === "release-promoted") chaos.promoted();
      if (event.type === "release-reverted") followers.takenBack(event.release, startOf(event.release), sequence);
    },
  });
  const startOf = (release: string): number => history.release(release)?.startedAt ?? 0;
  const reverts = createRevertsWatch({
    nowMs,
    originRun: () => origin.process()?.run ?? 0,
    isActive: (release) => history.release(release)?.end === null,
    count,
  });
  const isRotten = (host: string): boolean => disks.get(host)?.rotten === true;
  const judge = createJudge({ history, followers, nowMs, isRotten, count });
  const operators = createOperators(ground, {
    history,
    originRun: () => origin.process()?.run ?? 0,
    onPromise: (release) => followers.promised(release, startOf(release)),
  });

  const diskOf = (host: string): { disk: Disk | null; directory: string | null } => {
    if (random.chance(0.4)) return { disk: null, directory: null };
    const disk = createDisk(random.fork(`disk of ${host}`), () => clock.wall());
    disks.set(host, disk);
    return { disk, directory: attachDisk(host, disk) };
  };

  const sidecars = Array.from({ length: 1 + random.int(3) }, (_, index) => {
    const host = `sidecar-${index}`;
    // A sidecar may follow a sidecar.
    const origins = index > 0 && random.chance(0.4) ? [urlOf(`sidecar-${index - 1}`), originUrl] : [originUrl];
    const onSaid = (message: string): void => {
      const party = node.process()?.joined;
      if (party !== undefined) attempt(() => reverts.said(followers.of(party), message));
    };
    const node: SidecarNode = createSidecarNode(ground, host, { origins, onSaid, ...diskOf(host) });
    return node;
  });

  const sdks = Array.from({ length: 3 + random.int(6) }, (_, index) => {
    const host = `sdk-${index}`;
    const via = random.pick(sidecars).host;
    const urls = random.pick([[originUrl], [urlOf(via)], [urlOf(via), originUrl]]);
    const onClient = (client: ShopClient, process: Process): void => {
      const isClosed = (): boolean => node.program()?.client !== client;
      const application = createApplication({
        clock,
        process,
        client,
        judge,
        followers,
        isClosed,
        isHere: (release) => here.everHeard(host, release),
        isRotten: () => isRotten(host),
        count,
        fatal,
      });
      applications.set(host, { process, application });
    };
    const node: SdkNode = createSdkNode(ground, host, { urls, onClient, ...diskOf(host) });
    return node;
  });

  const reader = createSidecarReader(ground, { sidecars, judge, followers, isRotten });
  const hands = createHands(ground, { sidecars, here });
  const mortals: readonly Mortal[] = [...sidecars, ...sdks].map((node) => ({
    node,
    disk: disks.get(node.host) ?? null,
  }));
  const chaos = createChaos(ground, { origin, mortals });

  const probe = (): void => {
    if (touched.size === 0) return;
    for (const { process, application } of applications.values()) {
      if (touched.has(process.joined) && isLive(process)) application.probe();
    }
    touched.clear();
  };
  const isLive = ({ host, joined }: Process): boolean =>
    sdks.some((node) => node.host === host && node.program() !== null && node.process()?.joined === joined);

  const step = async (): Promise<void> => {
    steps += 1;
    stepsSince = clock.nextInMs() === 0 ? stepsSince + 1 : 0;
    hold("liveness", stepsSince < stepsAtOnceMax, () => `${stepsSince} timers in a row that take no time`);
    clock.runNext();
    await rest();
    history.look();
    probe();
    const [failure] = failures;
    if (failure !== undefined) throw failure;
  };

  const world: World = {
    seed,
    clock,
    random,
    trace,
    network,
    history,
    followers,
    judge,
    here,
    origin,
    sidecars,
    sdks,
    operators,
    reader,
    hands,
    chaos,
    isRotten,
    application: (host) => {
      const known = applications.get(host);
      return known !== undefined && isLive(known.process) ? known.application : undefined;
    },
    async run(durationMs) {
      await world.runUntil(durationMs, () => false);
    },
    async runUntil(durationMs, condition) {
      const endMs = clock.now() + durationMs;
      while (!condition()) {
        const nextMs = clock.nextInMs();
        if (nextMs === undefined || clock.now() + nextMs > endMs) {
          clock.advance(endMs - clock.now());
          return condition();
        }
        await step();
      }
      return true;
    },
    async settled(promise) {
      let isSettled = false;
      const done = (): void => void (isSettled = true);
      promise.then(done, done);
      await rest();
      hold("liveness", await world.runUntil(settledMsMax, () => isSettled), () => "an answer does not come");
      return promise;
    },
    get steps() {
      return steps;
    },
    counts,
    count,
  };
  sabotage.prepare?.(world);
  return world;
}

/** Whether whoever is given this frame hears of a revert. */
export function bringsRevert(frame: Frame): boolean {
  return (
    frame.type === "mark" ||
    (frame.type === "events" && frame.events.some(({ event }) => event.type === "release-reverted"))
  );
}

function urlOf(host: string): string {
  return `http://${host}`;
}
