import { connect, type Socket } from "node:net";
import type { ConfirmationBatch, Frame } from "@sluice/core/api";
import { serveCase } from "../processes/serve-case.ts";
import { until } from "../processes/until.ts";
import { createEventReader } from "./event-reader.ts";

/** What a process that holds many followers, each on sockets of its own, can be told. */
export interface StreamFollowersSteps {
  /** Opens streams and ends when each has had its first event, a confirming one its state. */
  connect(input: {
    readonly url: string;
    readonly group: string;
    readonly count: number;
    readonly as: Manner;
  }): Promise<void>;
  /** Looks for the mark of a release's revert in the streams of a group from now on: new views read stable from there. */
  watch(input: { readonly group: string; readonly release: string }): void;
  /** Ends when it has come on every stream of the group. */
  arrivals(input: { readonly group: string }): Promise<Arrivals>;
}

/** Holds the stream of a bare server; follows an instance by the protocol; confirms as well, as an SDK does. */
export type Manner = "plain" | "silent" | "confirming";

/** When a revert came, on the monotonic clock in nanoseconds. */
export interface Arrivals {
  readonly times: Float64Array;
  /** The event itself, as the last stream had it. */
  readonly text: string;
}

interface Follower {
  hasBegun: boolean;
  arrivedAt: number | null;
}

interface Group {
  readonly followers: Follower[];
  release: string | null;
  text: string;
}

type Confirm = (what: { applied?: number; reverted?: string; prepared?: readonly string[] }) => void;

const openingMax = 25;
/** What an SDK takes to bring a mark to disk before it confirms it; here nobody has a disk of its own. */
const syncMs = 5;
/** What nobody waits for is confirmed after up to so long, as by the SDK. */
const jitterMsMax = 50;

const groups = new Map<string, Group>();

const steps: StreamFollowersSteps = {
  async connect({ url, group: name, count, as }) {
    const group: Group = { followers: [], release: null, text: "" };
    groups.set(name, group);
    for (let index = 0; index < count; index++) {
      const follower: Follower = { hasBegun: false, arrivedAt: null };
      group.followers.push(follower);
      open(new URL(url), `${name}-${process.pid}-${index}`, as, group, follower);
      await begun(group, openingMax - 1);
    }
    await begun(group, 0);
  },
  watch({ group: name, release }) {
    const group = groupOf(name);
    for (const follower of group.followers) follower.arrivedAt = null;
    group.release = release;
  },
  async arrivals({ group: name }) {
    const group = groupOf(name);
    await until(
      () => group.followers.every(({ arrivedAt }) => arrivedAt !== null),
      () => "a follower has not heard of the revert",
    );
    group.release = null;
    return { times: Float64Array.from(group.followers, ({ arrivedAt }) => arrivedAt ?? Number.NaN), text: group.text };
  },
};

function begun(group: Group, openingAtMost: number): Promise<void> {
  return until(
    () => group.followers.filter(({ hasBegun }) => !hasBegun).length <= openingAtMost,
    () => "a follower has no stream",
  );
}

function open(url: URL, id: string, as: Manner, group: Group, follower: Follower): void {
  const confirm = as === "confirming" ? createConfirm(url, id) : null;
  const take = createEventReader((type, data, text) => {
    follower.hasBegun ||= confirm === null || type === "state";
    // Who confirms nothing need not read the patches that come meanwhile.
    if (confirm === null && type !== "mark") return;
    const frame = { type, ...(JSON.parse(data) as object) } as Frame;
    if (frame.type === "mark" && frame.mark.release === group.release && follower.arrivedAt === null) {
      follower.arrivedAt = Number(process.hrtime.bigint());
      group.text = text;
    }
    if (confirm !== null) answer(frame, confirm);
  });
  const socket = connectTo(url, () => {
    throw new Error("a stream was closed by the other side");
  });
  const path = as === "plain" ? "/" : `/v1/follow?id=${id}&name=bench&kind=sdk&log=&from=0&marks=`;
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${url.host}\r\nAccept: text/event-stream\r\n\r\n`);
  socket.on("data", take);
}

/** What a follower confirms that reads none of the datasets: it has nothing to prepare. */
function answer(frame: Frame, confirm: Confirm): void {
  if (frame.type === "mark") confirm({ reverted: frame.mark.release });
  if (frame.type === "state") confirm({ applied: frame.state.controlSequence });
  if (frame.type !== "events") return;
  const prepared = frame.events.flatMap(({ event }) => (event.type === "release-started" ? [event.release] : []));
  const applied = frame.events.findLast(({ event }) => event.type !== "patched" && event.type !== "rebased");
  if (applied !== undefined) confirm({ applied: applied.sequence, prepared });
}

/** Confirmations of one follower, one post at a time, as the SDK sends them. */
function createConfirm(url: URL, id: string): Confirm {
  let waiting: { applied: number; reverted: Set<string>; prepared: Set<string> } | null = null;
  let timer: NodeJS.Timeout | null = null;
  let isSending = false;
  const post = createPost(url, () => {
    isSending = false;
    send();
  });
  const send = (): void => {
    timer = null;
    if (isSending || waiting === null) return;
    const { applied, reverted, prepared } = waiting;
    waiting = null;
    isSending = true;
    const confirmation = { follower: id, applied, reverted: [...reverted], prepared: [...prepared] };
    post(JSON.stringify({ confirmations: [confirmation], children: null } satisfies ConfirmationBatch));
  };
  return ({ applied = 0, reverted, prepared = [] }) => {
    waiting ??= { applied: 0, reverted: new Set(), prepared: new Set() };
    waiting.applied = Math.max(waiting.applied, applied);
    for (const release of prepared) waiting.prepared.add(release);
    if (reverted !== undefined) waiting.reverted.add(reverted);
    if (reverted === undefined) {
      timer ??= setTimeout(send, Math.random() * jitterMsMax);
      return;
    }
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(send, syncMs);
  };
}

/** Posts over a connection that is kept for as long as the instance keeps it. What it closed over is said again: that does no harm. */
function createPost(url: URL, answered: () => void): (body: string) => void {
  let socket: Socket | null = null;
  let unanswered: string | null = null;
  const open = (): Socket => {
    const opened = connectTo(url, () => {
      socket = null;
      if (unanswered !== null) post(unanswered);
    });
    opened.on("data", (bytes) => {
      const text = bytes.toString("latin1");
      if (!text.startsWith("HTTP/1.1 202")) throw new Error(`a confirmation came to ${text}`);
      unanswered = null;
      answered();
    });
    return opened;
  };
  const post = (body: string): void => {
    unanswered = body;
    socket ??= open();
    socket.write(
      `POST /v1/confirmations HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  };
  return post;
}

function connectTo(url: URL, closed: () => void): Socket {
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  // A reset is a close.
  socket.on("error", () => socket.destroy());
  socket.once("close", closed);
  return socket;
}

function groupOf(name: string): Group {
  const group = groups.get(name);
  if (group === undefined) throw new Error(`there is no group ${name}`);
  return group;
}

serveCase({ ...steps });
