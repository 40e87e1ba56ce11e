import type { DemoOptions } from "./options.ts";
import type { Message, Processes } from "./processes.ts";
import type { Stage } from "./stage.ts";
import { count, type Timeline } from "./timeline.ts";

/** Requests a second that the shoppers make while a person plays. */
const playPace = 100;

/** How often the play says how it goes, in milliseconds. */
const reportMs = 10_000;

/** Lets the shop run, with its robots, until somebody ends it. */
export async function play(parts: {
  readonly stage: Stage;
  readonly options: DemoOptions;
  readonly processes: Processes;
  readonly timeline: Timeline;
}): Promise<void> {
  const { stage, options, processes, timeline } = parts;
  const { sluice, merchandising, shoppers } = stage;
  let patched: Message = { type: "patched", stock: 0, prices: 0, failed: 0 };
  await shoppers.pace(playPace);
  processes.start({
    name: "robots",
    file: "robots.ts",
    args: ["--sluice", sluice.url, "--upstream", merchandising.url],
    onMessage(message) {
      if (message.type === "patched") patched = message;
    },
  });
  timeline.plain(invitation(options, merchandising.url));

  let before = patched;
  setInterval(() => {
    const now = Date.now();
    const since = (name: string): number => Number(patched[name]) - Number(before[name]);
    const changes = `${count(since("stock"))} changes of stock and ${count(since("prices"))} of prices`;
    const failed = since("failed") === 0 ? "" : `, ${count(since("failed"))} refused or lost`;
    before = patched;
    shoppers.tally(now - reportMs, now).then(
      ({ requests, bad }) =>
        timeline.say(bad === 0 ? "quiet" : "bad", `${changes}${failed}; ${bad} bad of ${count(requests)} answers`),
      () => undefined,
    );
  }, reportMs);
}

/** What a person may do after a scenario other than the story. */
export function invite({ port }: DemoOptions): string {
  return `
  The shop stays open, and the shoppers keep coming.

    ${environmentOf(port)}npx sluice status
    ${environmentOf(port)}npx sluice log

  Ctrl-C ends everything.
`;
}

function environmentOf(port: number): string {
  return port === 7070 ? "" : `SLUICE_URL=http://127.0.0.1:${port} `;
}

function invitation({ port }: DemoOptions, merchandising: string): string {
  const env = environmentOf(port);
  return `
  Now it is yours: stock changes 100 times a second, prices 10 times, and the shoppers keep coming.

    ${env}npx sluice status
    curl -X POST ${merchandising}/offer/v5        the sale again, corrected: held, since most of it was in v4
    ${env}npx sluice release start prices --accept-quarantined
    ${env}npx sluice revert prices

  Ctrl-C ends everything.
`;
}
