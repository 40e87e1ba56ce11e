import type { NamespaceState } from "@sluice/core";
import { activeRelease } from "@sluice/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { SampleSink } from "./followers/sample-sink.ts";
import type { SampleReplica, SampleWorld } from "./followers/sample-world.ts";
import { createSampleWorld, emptyReplica, foldFrames } from "./followers/sample-world.ts";

const peers = 4;

/** Small enough that every limit is met in a short history. */
const limits = {
  followersPerTurn: 1,
  unsentBytesMax: 3_000,
  deliveryMsMax: 200,
  fullStatesMax: 1,
  fullStateReuseMs: 100,
  resumeEventsMax: 8,
  eventsPerFrameMax: 3,
};

const peer = fc.nat({ max: peers - 1 });
const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("patch" as const), padBytes: fc.nat({ max: 1_500 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("start", "percentage", "mark", "revert") }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom("stall", "flow", "read", "connect"), peer }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("leave" as const), peer, read: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("reset", "trim", "silence", "contact") }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("pass" as const), durationMs: fc.nat({ max: 60 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("pass" as const), durationMs: fc.nat({ max: 3_000 }) }) },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

const history = fc.record({
  turnMs: fc.constantFrom(0, 1),
  snapshotMs: fc.constantFrom(0, 5, 50),
  actions: fc.array(action, { maxLength: 80, size: "max" }),
});

/** A follower that reads, is cut off, and resumes from what it has folded. */
interface Peer {
  readonly id: string;
  replica: SampleReplica;
  sink: SampleSink | undefined;
}

function read(follower: Peer): void {
  // Folding throws at a gap and at an event that comes twice.
  if (follower.sink !== undefined) follower.replica = foldFrames(follower.replica, follower.sink.take());
}

function connect(world: SampleWorld, follower: Peer): void {
  if (follower.sink?.end() === "open") return;
  const { log, state, marks } = follower.replica;
  follower.sink = world.join({ id: follower.id, log, from: state.sequence, marks: [...marks] });
}

function tell({ feed }: SampleWorld, what: Action["do"], drawn: number): void {
  const release = activeRelease(feed.state(), "prices");
  if (what === "start" && release === undefined) feed.start("prices");
  if (release === undefined) return;
  if (what === "mark") feed.announce({ release: release.id, at: drawn });
  if (what === "percentage") {
    feed.give({ type: "set-percentage", release: release.id, thousandths: drawn, epoch: null });
  }
  if (what === "revert") {
    feed.give({ type: "revert", target: { release: release.id }, cause: { reason: "bad", evidence: null } });
  }
}

async function act(world: SampleWorld, followers: readonly Peer[], step: Action, drawn: number): Promise<void> {
  const { feed } = world;
  const follower = "peer" in step ? followers[step.peer] : undefined;
  if (step.do === "patch") feed.patch("prices", step.padBytes);
  else if (step.do === "pass") await world.pass(step.durationMs);
  else if (step.do === "reset") feed.reset(drawn % 2 === 0 ? `log-${drawn}` : null);
  else if (step.do === "trim") feed.trim(feed.state().sequence);
  else if (step.do === "silence") feed.setContactAge(null);
  else if (step.do === "contact") feed.setContactAge(drawn);
  else if (follower === undefined) tell(world, step.do, drawn);
  else if (step.do === "stall") follower.sink?.stall();
  else if (step.do === "flow") follower.sink?.flow();
  else if (step.do === "connect") connect(world, follower);
  else if (step.do === "read") read(follower);
  else if (step.do === "leave") {
    // What arrived and was not read is lost with the connection.
    if ("read" in step && step.read) read(follower);
    follower.sink?.leave();
    follower.sink = undefined;
  }
}

test("every follower that stays or resumes folds exactly the feed's log, whatever the others do", async () => {
  await fc.assert(
    fc.asyncProperty(history, async ({ turnMs, snapshotMs, actions }) => {
      const world = createSampleWorld({ limits, turnMs, snapshotMs });
      const followers = Array.from({ length: peers }, (_, index): Peer => {
        return { id: `peer-${index}`, replica: emptyReplica, sink: undefined };
      });
      for (const [index, step] of actions.entries()) await act(world, followers, step, index + 1);
      for (const follower of followers) {
        follower.sink?.flow();
        read(follower);
        connect(world, follower);
      }
      await world.pass(5_000);
      for (const follower of followers) {
        read(follower);
        expect(follower.sink?.end()).toBe("open");
        expect(follower.replica.log).toBe(world.feed.log());
        expect<NamespaceState>(follower.replica.state).toEqual(world.feed.state());
        for (const { release } of world.feed.marks()) expect(follower.replica.marks).toContain(release);
      }
      expect(world.followers.count()).toBe(peers);
    }),
    { numRuns: 500 },
  );
});
