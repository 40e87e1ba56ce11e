import { type Socket, connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { serveCase } from "../processes/serve-case.ts";

/** What a process that holds many plain connections can be told. */
export interface RawFollowersSteps {
  /** Opens streams of server-sent events and ends when each has had its first event. */
  connect(input: {
    readonly url: string;
    readonly path: string;
    readonly group: string;
    readonly count: number;
  }): Promise<void>;
  /** Looks for an event in the streams of a group from now on. */
  watch(input: { readonly group: string; readonly event: string }): void;
  /** Ends when the event has come on every stream of the group. */
  arrivals(input: { readonly group: string }): Promise<Arrivals>;
}

/** When an event came, on the monotonic clock in nanoseconds. */
export interface Arrivals {
  readonly times: Float64Array;
  /** The event itself, as the first stream had it. */
  readonly text: string;
}

/** One stream. */
interface Follower {
  hasBegun: boolean;
  /** The end of what came before, in which an event may have begun. */
  rest: string;
  arrivedAt: number | null;
}

interface Group {
  readonly followers: Follower[];
  needle: string | null;
  text: string;
}

const openingMax = 25;
const waitMsMax = 60_000;

const groups = new Map<string, Group>();

const steps: RawFollowersSteps = {
  async connect({ url, path, group: name, count }) {
    const group: Group = { followers: [], needle: null, text: "" };
    groups.set(name, group);
    const { hostname, port } = new URL(url);
    for (let index = 0; index < count; index++) {
      const follower: Follower = { hasBegun: false, rest: "", arrivedAt: null };
      group.followers.push(follower);
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      const target = path.replace("{id}", `${name}-${process.pid}-${index}`);
      socket.write(`GET ${target} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAccept: text/event-stream\r\n\r\n`);
      listen(socket, group, follower);
      await until(() => group.followers.filter(({ hasBegun }) => !hasBegun).length < openingMax);
    }
    await until(() => group.followers.every(({ hasBegun }) => hasBegun));
  },
  watch({ group: name, event }) {
    const group = groupOf(name);
    for (const follower of group.followers) {
      follower.arrivedAt = null;
      follower.rest = "";
    }
    group.needle = `event: ${event}\n`;
  },
  async arrivals({ group: name }) {
    const group = groupOf(name);
    await until(() => group.followers.every(({ arrivedAt }) => arrivedAt !== null));
    group.needle = null;
    return { times: Float64Array.from(group.followers, ({ arrivedAt }) => arrivedAt ?? Number.NaN), text: group.text };
  },
};

function listen(socket: Socket, group: Group, follower: Follower): void {
  socket.on("error", (error) => {
    throw error;
  });
  socket.on("close", () => {
    throw new Error("a stream was closed by the other side");
  });
  socket.on("data", (bytes: Buffer) => {
    if (!follower.hasBegun) {
      follower.rest += bytes.toString("latin1");
      if (!follower.rest.includes("event: ") && !follower.rest.includes("\n:")) return;
      follower.hasBegun = true;
      follower.rest = "";
      return;
    }
    const { needle } = group;
    if (needle === null || follower.arrivedAt !== null) return;
    const at = Number(process.hrtime.bigint());
    const text = follower.rest + bytes.toString("latin1");
    const start = text.indexOf(needle);
    if (start === -1) {
      follower.rest = text.slice(-needle.length);
      return;
    }
    follower.arrivedAt = at;
    follower.rest = "";
    const end = text.indexOf("\n\n", start);
    if (end !== -1) group.text = text.slice(start, end + 2);
  });
}

async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + waitMsMax;
  while (!isSo()) {
    if (performance.now() > end) throw new Error("followers waited for more than a minute");
    await sleep(5);
  }
}

function groupOf(name: string): Group {
  const group = groups.get(name);
  if (group === undefined) throw new Error(`there is no group ${name}`);
  return group;
}

serveCase({ ...steps });
