import type { Disk } from "./disk.ts";
import type { Ending } from "./network.ts";
import type { Ground, Node, Program } from "./node.ts";
import { type OriginNode, originHost, type StoreMood } from "./origin-node.ts";
import { drawWeather } from "./weather.ts";

/** What breaks things, each at times of its own. */
export interface Chaos {
  start(): void;
  /** Breaks nothing any more, mends what is broken and starts what is down. */
  stop(): void;
  /** A revert has reached a host: power may fail while it takes it up. */
  reverted(host: string): void;
  /** Everybody sees a release now: the origin may die, so that nobody is left who could take it back for all. */
  promoted(): void;
}

/** A host that may die, and its disk where it has one. */
export interface Mortal {
  readonly node: Node<Program>;
  readonly disk: Disk | null;
}

/** Makes what breaks the nodes of a world, more in some worlds than in others. */
export function createChaos(
  ground: Ground,
  nodes: { readonly origin: OriginNode; readonly mortals: readonly Mortal[] },
): Chaos {
  const { clock, network, trace, count } = ground;
  const { origin, mortals } = nodes;
  const random = ground.random.fork("chaos");
  const all: readonly Node<Program>[] = [origin, ...mortals.map(({ node }) => node)];
  let stopped = false;
  let isLost = false;

  /** Does something again and again, `everyMs` on average. */
  const often = (everyMs: number, act: () => void): void => {
    clock.setTimer(-Math.log(1 - random.next()) * everyMs, () => {
      if (stopped) return;
      act();
      often(everyMs, act);
    });
  };

  const startLater = (node: Node<Program>, delayMs: number): void => {
    clock.setTimer(delayMs, () => (stopped ? undefined : node.start()));
  };

  const end = (node: Node<Program>, downMsMax: number): void => {
    if (node.program() === null) return;
    const how = random.weighted({ reset: 4, silence: 2, close: 3 });
    count(`${node.host.split("-")[0]} ${how}`);
    if (how === "close") node.close();
    else node.kill(how satisfies Ending);
    startLater(node, random.between(50, downMsMax));
  };

  /** Right after a revert, when it may be on the disk or not; and what comes back comes back alone. */
  const strike = ({ node }: Mortal): void => {
    if (node.program() === null) return;
    count("power lost after a revert");
    node.kill("silence");
    if (random.chance(0.7)) for (const { host } of all) network.cut(node.host, host, random.between(2_000, 9_000));
    startLater(node, random.between(50, 1_500));
  };

  /** Whoever has ended by itself, or could not start, is started again as any supervisor would. */
  const supervise = (): void => {
    for (const node of all) {
      if (node.process() === null && !(node === origin && isLost) && random.chance(0.5)) node.start();
    }
  };

  const weather = (): void => {
    const next = drawWeather(random);
    trace.note(`weather up to ${next.latencyMs.toFixed(0)} ms`);
    network.setWeather(next);
  };

  const cut = (): void => {
    const { host } = random.pick(mortals).node;
    const other = random.chance(0.6) ? originHost : random.pick(mortals).node.host;
    if (host === other) return;
    count("cut");
    network.cut(host, other, random.chance(0.5) ? random.between(200, 6_000) : random.between(6_000, 25_000));
  };

  /** A host that serves on and hears of nothing, long enough to have to decide for itself. */
  const isolate = (): void => {
    const sidecars = mortals.filter(({ node }) => node.host.startsWith("sidecar-"));
    const { host } = random.pick(sidecars).node;
    count("isolated");
    const durationMs = random.between(10_000, 30_000);
    for (const other of [originHost, ...sidecars.map(({ node }) => node.host)]) {
      if (other !== host) network.cut(host, other, durationMs);
    }
  };

  const mood = (): void => {
    const next: StoreMood = random.weighted({ fine: 5, slow: 2, down: 2, mute: 1, full: 1 });
    origin.setStore(next, random.chance(0.3) ? 0.04 : 0);
    if (next === "fine") return;
    count(`store ${next}`);
    trace.note(`the store is ${next}`);
    clock.setTimer(random.between(300, 5_000), () => (stopped ? undefined : origin.setStore("fine", 0)));
  };

  const fill = (): void => {
    const { node, disk } = random.pick(mortals);
    if (disk === null) return;
    count("disk full");
    trace.note(`the disk of ${node.host} is full`);
    disk.full = true;
    clock.setTimer(random.between(500, 8_000), () => {
      disk.full = false;
    });
  };

  const rot = (): void => {
    const { node, disk } = random.pick(mortals);
    // A sidecar hands on parts that it does not prove, so what turned on its disk stays there.
    if (disk === null || !node.host.startsWith("sdk-")) return;
    count("rot");
    trace.note(`a byte turns on the disk of ${node.host}`);
    disk.rot();
  };

  const jump = (): void => {
    count("jump");
    random.pick(all).process()?.clock.jumpWall(random.between(-4_000, 4_000));
  };

  return {
    start() {
      weather();
      often(9_000, weather);
      often(6_000, cut);
      often(14_000, isolate);
      often(5_000, mood);
      often(12_000, fill);
      often(15_000, jump);
      often(8_000, rot);
      often(7_000, () => end(random.pick(mortals).node, 9_000));
      often(18_000, () => end(origin, 6_000));
      often(3_000, supervise);
    },
    reverted(host) {
      const mortal = mortals.find(({ node }) => node.host === host);
      if (stopped || mortal === undefined || !random.chance(0.015)) return;
      clock.setTimer(random.between(1, 900), () => (stopped ? undefined : strike(mortal)));
    },
    promoted() {
      if (stopped || !random.chance(0.4)) return;
      clock.setTimer(random.between(100, 600), () => {
        if (stopped || origin.program() === null) return;
        count("origin lost in a bake");
        origin.kill(random.pick(["reset", "silence"] as const));
        // Whoever starts it again has to be woken first.
        isLost = true;
        clock.setTimer(random.between(12_000, 20_000), () => {
          isLost = false;
          if (!stopped) origin.start();
        });
      });
    },
    stop() {
      stopped = true;
      network.heal();
      origin.setStore("fine", 0);
      for (const { disk } of mortals) if (disk !== null) disk.full = false;
    },
  };
}
