import type { StatusAnswer } from "@sluice/core/api";
import { hold } from "./trace.ts";
import type { World } from "./world.ts";

/** The origin knows what everybody holds within this after everybody holds it, in milliseconds: those who are gone keep their lease. */
const knownMsMax = 30_000;

/** Waits until the origin knows what every host has taken back for itself, over however many sidecars. */
export async function judgeHere(world: World): Promise<void> {
  await untilKnown(world, ({ datasets }) => {
    const releases = datasets.flatMap(({ release, here }) => (release === null ? [] : { id: release.id, here }));
    return world.sidecars.flatMap(({ host, process }) => {
      const party = process()?.joined;
      const taken = releases.filter(({ id }) => party !== undefined && world.here.hasTakenBack(party, id));
      if (taken.length > 0) world.count("taken back by a host at rest");
      const unknown = taken.filter(({ here }) => !here.some((its) => its.host === host));
      return unknown.map(({ id }) => `${host} has taken back ${id} for itself, and the origin does not know it`);
    });
  });
}

/**
 * Waits until the origin knows of everybody, over however many sidecars, what they hold. Whoever lost power is counted beside the next
 * process on the host, until somebody's socket notices.
 */
export async function judgeAccounts(world: World): Promise<void> {
  const { history, followers: watch } = world;
  const nodes = [...world.sidecars, ...world.sdks];
  const parties = new Map(nodes.map(({ host, process }) => [host, process()?.joined]));
  await untilKnown(world, ({ followers, datasets }) => {
    const { controlSequence } = history.state(history.sequence);
    const wrong = [...parties].flatMap(([host, party]) => {
      const its = followers.list.find(({ id }) => watch.party(id) === party);
      if (its?.applied === controlSequence) return [];
      return [
        `${host} is at ${controlSequence}, and the origin ${its === undefined ? "does not know it" : `knows of ${its.applied}`}`,
      ];
    });
    for (const { name, release } of datasets) {
      const { count } = release?.prepared ?? { count: parties.size };
      if (count < parties.size)
        wrong.push(`everybody holds the candidate of ${name}, and the origin knows of ${count}`);
    }
    return wrong;
  });
}

async function untilKnown(world: World, wrongIn: (status: StatusAnswer) => readonly string[]): Promise<void> {
  const { clock, origin } = world;
  const endMs = clock.now() + knownMsMax;
  for (;;) {
    const serve = origin.program()?.serve;
    hold("accounts", serve !== undefined, () => "the origin is down");
    const response = await world.settled(Promise.resolve(serve(new Request("http://in-process/v1/status"))));
    const wrong = wrongIn((await response.json()) as StatusAnswer);
    if (wrong.length === 0) return;
    hold("accounts", clock.now() < endMs, () => wrong.join("; "));
    await world.run(250);
  }
}
