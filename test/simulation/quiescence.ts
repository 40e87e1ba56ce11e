import { isDeepStrictEqual } from "node:util";
import type { ReadManyAnswer, StatusAnswer } from "@sluice/core/api";
import { judgeAccounts, judgeHere } from "./accounts.ts";
import { canonical } from "./content.ts";
import type { Serve } from "./network.ts";
import { type DatasetName, datasetNames, keys, users } from "./shop.ts";
import { hold, Violation } from "./trace.ts";
import type { World } from "./world.ts";

/** Everybody is up again within this, once nothing breaks any more, in milliseconds. */
const upMsMax = 60_000;

/** Everybody has caught up within this after that, in milliseconds. */
const caughtUpMsMax = 40_000;

/** Everything has ended within this after it was asked to, in milliseconds. */
const endedMsMax = 90_000;

/** What the network still has under way is gone within this, in milliseconds. */
const quietMsMax = 600_000;

/** Lets a world come to rest: mends it, waits until everybody has caught up, compares all of them, and ends them. */
export async function bringToRest(world: World): Promise<void> {
  const { operators, reader, hands, chaos, clock, trace } = world;
  operators.stop();
  hands.stop();
  reader.stop();
  chaos.stop();
  trace.note("nothing breaks any more");
  const isUp = await world.runUntil(upMsMax, () => {
    startAll(world);
    return operators.open === 0 && nodesOf(world).every((node) => node.program() !== null);
  });
  hold("liveness", isUp, () => `not up in time: ${downOf(world).join(", ")}`);
  await catchUp(world);
  await judgeHere(world);
  await world.settled(hands.liftAll());
  await mend(world);
  await catchUp(world);
  judgeReverts(world);
  await world.settled(judgeStates(world));
  await world.settled(judgeReads(world));
  await judgeAccounts(world);
  trace.note("everybody has what the origin has");
  await endAll(world);
  hold("liveness", clock.nextInMs() === undefined, () => `a timer is left, due in ${clock.nextInMs()} ms`);
  hold("liveness", world.network.open() === 0, () => `${world.network.open()} requests or streams are left open`);
}

function nodesOf({
  origin,
  sidecars,
  sdks,
}: World): readonly (World["origin"] | World["sidecars"][number] | World["sdks"][number])[] {
  return [origin, ...sidecars, ...sdks];
}

function startAll(world: World): void {
  for (const node of nodesOf(world)) node.start();
}

function downOf(world: World): string[] {
  const down = nodesOf(world).filter((node) => node.program() === null);
  return [...down.map(({ host }) => host), `${world.operators.open} operations`];
}

/** What is corrupt on a disk is found by who reads it, and fetched again. */
async function mend(world: World): Promise<void> {
  const rotten = world.sdks.filter(({ host }) => world.isRotten(host));
  if (rotten.length > 0) await catchUp(world);
  for (let round = 0; round < 3 && rotten.length > 0; round++) {
    for (const { host } of rotten) world.application(host)?.touch();
    await world.run(3_000);
  }
}

async function catchUp(world: World): Promise<void> {
  const { clock, history, sdks } = world;
  const endMs = clock.now() + caughtUpMsMax;
  for (;;) {
    await world.run(250);
    const behind = [...sdks.flatMap((sdk) => behindOf(world, sdk)), ...(await world.settled(sidecarsBehind(world)))];
    if (behind.length === 0) return;
    hold(
      "liveness",
      clock.now() < endMs,
      () => `the log is at ${history.sequence}, and behind are ${behind.join("; ")}`,
    );
  }
}

/** What keeps an SDK from being where the log is. */
function behindOf({ history }: World, sdk: World["sdks"][number]): string[] {
  const status = sdk.program()?.client.status();
  if (status === undefined) return [`${sdk.host} is down`];
  const { sequence, datasets, leaseHeld, connection } = status;
  if (sequence !== history.sequence || !leaseHeld) {
    return [
      `${sdk.host} at ${sequence}, ${connection.phase}, lease ${leaseHeld ? "held" : "over"}, ${connection.error?.message ?? ""}`,
    ];
  }
  const position = history.position(sequence);
  return datasetNames.flatMap((dataset) => {
    const { stable = null, candidate = null } = datasets[dataset] ?? {};
    const at = position[dataset];
    const wanted = { stable: at?.stable?.number ?? null, candidate: at?.candidate?.number ?? null };
    if (stable === wanted.stable && candidate === wanted.candidate) return [];
    return [
      `${sdk.host} has ${stable} and ${candidate} of ${dataset} instead of ${wanted.stable} and ${wanted.candidate}`,
    ];
  });
}

async function sidecarsBehind({ sidecars, history }: World): Promise<string[]> {
  const behind = sidecars.map(async ({ host, program }) => {
    const serve = program()?.serve;
    if (serve === undefined) return [`${host} is down`];
    const { state } = await ask<{ state: { sequence: number } }>(serve, "/v1/state");
    const { following } = await ask<StatusAnswer>(serve, "/v1/status");
    const isThere = state?.sequence === history.sequence && following?.connected === true;
    return isThere ? [] : [`${host} at ${state?.sequence ?? "no state"}`];
  });
  return (await Promise.all(behind)).flat();
}

/** A revert that anybody has taken up is in the log, or its release had ended by itself. */
function judgeReverts({ sdks, sidecars, followers, history }: World): void {
  for (const node of [...sdks, ...sidecars]) {
    const process = node.process();
    if (process === null) continue;
    for (const id of followers.of(process.joined).reverted) {
      const release = history.release(id);
      hold("invariant 6", release?.end !== null, () => `${node.host} holds a revert of ${id}, which still runs`);
    }
  }
}

/** Every sidecar's state is the origin's, to the last field. */
async function judgeStates({ sidecars, history }: World): Promise<void> {
  const expected: unknown = JSON.parse(JSON.stringify(history.state(history.sequence)));
  for (const { host, program } of sidecars) {
    const serve = program()?.serve;
    if (serve === undefined) throw new Violation("liveness", `${host} is down`);
    const { state } = await ask<{ state: unknown }>(serve, "/v1/state");
    hold("invariant 9", isDeepStrictEqual(state, expected), () => `${host} has computed another state than the origin`);
  }
}

/** Every SDK shows every user what the origin does. */
async function judgeReads(world: World): Promise<void> {
  const { sdks, origin, history } = world;
  const serve = origin.program()?.serve;
  if (serve === undefined) throw new Violation("liveness", "the origin is down");
  for (const user of [undefined, ...users.filter((_user, index) => index % 4 === 0)]) {
    for (const dataset of datasetNames) {
      // A world may end before its shop was set up.
      if ((history.position(history.sequence)[dataset]?.stable ?? null) === null) continue;
      const answer = await readMany(serve, dataset, user);
      for (const { host } of sdks) judgeRead(world, host, { user, dataset, answer });
    }
  }
}

function judgeRead(
  world: World,
  host: string,
  read: { readonly user: string | undefined; readonly dataset: DatasetName; readonly answer: ReadManyAnswer },
): void {
  const { user, dataset, answer } = read;
  const { view } = world.application(host)?.look(user) ?? {};
  hold("liveness", view !== undefined, () => `${host} is down`);
  const party = world.sdks.find((sdk) => sdk.host === host)?.process()?.joined;
  const release = view.release(dataset);
  // It follows somebody else by now than the host that has taken it back, and hears of the lift when it is there again.
  if (party !== undefined && release !== null && world.followers.of(party).mayHeed(release)) return;
  const given = { version: view.version(dataset), arm: view.arm(dataset), items: view.getMany(dataset, keys) };
  // Without a user no arm is named before everybody sees the candidate.
  const isSameArm = user === undefined || given.arm === answer.arm;
  const isSame = given.version === answer.version && isSameArm && sameItems(given.items, answer.items);
  hold("invariant 9", isSame, () => {
    return `${host} shows ${user ?? "somebody"} v${given.version} of ${dataset} as ${given.arm}, the origin v${answer.version} as ${answer.arm}`;
  });
}

function sameItems(given: ReadonlyMap<string, unknown>, answered: Readonly<Record<string, unknown>>): boolean {
  return canonical(Object.fromEntries(given)) === canonical(answered);
}

async function readMany(serve: Serve, dataset: DatasetName, user: string | undefined): Promise<ReadManyAnswer> {
  const body = JSON.stringify({ keys, as: user ?? null });
  return ask(serve, `/v1/datasets/${dataset}/items`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
}

async function endAll(world: World): Promise<void> {
  for (const node of nodesOf(world)) node.close();
  const hasEnded = await world.runUntil(endedMsMax, () => nodesOf(world).every((node) => node.process() === null));
  hold("liveness", hasEnded, () => `something does not end: ${downOf(world).join(", ")}`);
  await world.runUntil(quietMsMax, () => world.clock.nextInMs() === undefined);
}

async function ask<Body>(serve: Serve, path: string, init?: RequestInit): Promise<Body> {
  const response = await serve(new Request(`http://in-process${path}`, init));
  return (await response.json()) as Body;
}
