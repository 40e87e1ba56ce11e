import type { VirtualClock } from "@sluice/core";
import type { Frame } from "@sluice/core/api";
import { exchange } from "./exchange.ts";
import type { Random } from "./random.ts";
import type { Trace } from "./trace.ts";
import { delayMsMax, drawDelayMs, fairWeather, type Weather } from "./weather.ts";

/** `reset`: the other end of each connection hears of it. `silence`: nobody hears anything. */
export type Ending = "reset" | "silence";

/** A process on the network. */
export interface Party {
  readonly host: string;
  /** Calls the listener when the process ends, and says whether its kernel says goodbye for it or power is gone. */
  onEnd(listener: (how: Ending) => void): () => void;
}

/** What answers on a host. */
export type Serve = (request: Request) => Response | Promise<Response>;

/** A process that others can ask. */
export interface Listener {
  readonly party: Party;
  readonly serve: Serve;
}

/** A frame of a follow stream that has arrived whole. */
export interface Arrival {
  readonly from: Party;
  readonly to: Party;
  readonly frame: Frame;
  /** When its last byte was sent, in milliseconds of the world. */
  readonly sentMs: number;
}

/** A request that has reached its host. */
export interface Reached {
  readonly from: Party;
  readonly to: Party;
  readonly method: string;
  readonly path: string;
  readonly body: Uint8Array;
}

/** What a double does to the frames of streams: gives others in their place. Only worlds that must fail have one. */
export type Forge = (frame: Frame, from: Party, to: Party) => readonly Frame[];

/** Who is told what the network does, in the turn in which it happens. */
export interface NetworkWatcher {
  arrived(arrival: Arrival): void;
  reached(request: Reached): void;
  /** Something under test threw what nobody caught. */
  fatal(error: unknown): void;
}

/** What an exchange works with. */
export interface Wires {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly watcher: NetworkWatcher;
  readonly forge: Forge | null;
  weather(): Weather;
  after(delayMs: number, then: () => void): void;
  /** Time under way of one chunk, in milliseconds. */
  delayMs(): number;
  /** Until when nothing passes between two hosts, in milliseconds of the world. */
  cutUntil(a: string, b: string): number;
  listener(host: string): Listener | undefined;
}

/** Joins processes without sockets, and breaks what networks break. */
export interface Network {
  /** A new process on a host. */
  join(host: string): Joined;
  /** Lets nothing pass between two hosts for a while. */
  cut(a: string, b: string, durationMs: number): void;
  setWeather(weather: Weather): void;
  /** Ends every cut and all bad weather. */
  heal(): void;
  /** Requests without an answer, and streams. */
  open(): number;
}

/** A process that can ask and, once it listens, be asked. */
export interface Joined extends Party {
  readonly fetch: typeof globalThis.fetch;
  listen(serve: Serve): void;
  end(how: Ending): void;
}

/** Makes a network whose every fault is a function of `random`. */
export function createNetwork(dependencies: {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly trace: Trace;
  readonly watcher: NetworkWatcher;
  readonly forge: Forge | null;
}): Network {
  const { clock, random, trace } = dependencies;
  const listening = new Map<string, Listener>();
  const cuts = new Map<string, number>();
  let weather = fairWeather;
  let open = 0;

  const wires: Wires = {
    ...dependencies,
    weather: () => weather,
    after: (delayMs, then) => void clock.setTimer(delayMs, then),
    delayMs: () => Math.min(delayMsMax, drawDelayMs(random, weather)),
    cutUntil: (a, b) => cuts.get(pairOf(a, b)) ?? 0,
    listener: (host) => listening.get(host),
  };

  return {
    join(host) {
      const endings = new Set<(how: Ending) => void>();
      let alive = true;
      const joined: Joined = {
        host,
        onEnd(ending) {
          endings.add(ending);
          return () => void endings.delete(ending);
        },
        listen: (serve) => void listening.set(host, { party: joined, serve }),
        end(how) {
          alive = false;
          if (listening.get(host)?.party === joined) listening.delete(host);
          for (const ending of Array.from(endings)) ending(how);
          endings.clear();
        },
        async fetch(input, init) {
          // What is left of a dead process asks nobody.
          if (!alive) return new Promise(() => {});
          open += 1;
          let ended = false;
          return exchange(wires, joined, { input, init }, () => {
            if (!ended) open -= 1;
            ended = true;
          });
        },
      };
      return joined;
    },
    cut(a, b, durationMs) {
      trace.note(`cut ${a} | ${b} for ${durationMs.toFixed(0)} ms`);
      cuts.set(pairOf(a, b), clock.now() + durationMs);
    },
    setWeather(next) {
      weather = next;
    },
    heal() {
      cuts.clear();
      weather = fairWeather;
    },
    open: () => open,
  };
}

function pairOf(a: string, b: string): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`;
}
