import type { CommandAnswer, StatusAnswer } from "@sluice/core/api";
import type { HereWatch } from "./here-watch.ts";
import type { Ground } from "./node.ts";
import type { SidecarNode } from "./sidecar-node.ts";

/** Under this name the people at hosts give their commands; no event may ever bear it. */
export const handsName = "hands";

/** People who stand in front of one host, and take back there what runs elsewhere. */
export interface Hands {
  start(): void;
  stop(): void;
  /** Lifts all that any host keeps from itself. */
  liftAll(): Promise<void>;
}

/** Somebody does something this often on average, in milliseconds. */
const everyMs = 2_200;

/** Makes people at the sidecars, who need no network. */
export function createHands(
  ground: Ground,
  dependencies: { readonly sidecars: readonly SidecarNode[]; readonly here: HereWatch },
): Hands {
  const { clock, count, trace, fatal } = ground;
  const { sidecars, here } = dependencies;
  const random = ground.random.fork("hands");
  let stopped = false;

  const give = async (
    { host, program, process }: SidecarNode,
    dataset: string,
    release: string,
    verb: "revert" | "lift",
  ): Promise<void> => {
    const serve = program()?.serve;
    const party = process()?.joined;
    if (serve === undefined || party === undefined) return;
    const confirm = here.asked(party, release, verb);
    trace.note(`somebody at ${host} asks to ${verb} ${release} here`);
    const headers = { "content-type": "application/json", "sluice-actor": handsName };
    const url = `http://in-process/v1/here/${dataset}/${verb}`;
    const response = await serve(new Request(url, { method: "POST", headers, body: "{}" }));
    const answer = (await response.json()) as Partial<CommandAnswer>;
    count(`here ${verb} ${response.status === 200 ? answer.outcome : response.status}`);
    const isDone = response.status === 200 && answer.outcome === "done" && answer.release === release;
    // By then another process may be there, which only the disk speaks to.
    if (isDone) confirm(answer.receipt?.durable === true);
    trace.note(`${host} answers ${response.status} ${answer.outcome}`);
  };

  const statusOf = async ({ program }: SidecarNode): Promise<StatusAnswer | null> => {
    const serve = program()?.serve;
    if (serve === undefined) return null;
    return (await (await serve(new Request("http://in-process/v1/status"))).json()) as StatusAnswer;
  };

  const act = async (node: SidecarNode): Promise<void> => {
    const { datasets = [] } = (await statusOf(node)) ?? {};
    const active = datasets.filter(({ release }) => release !== null);
    if (active.length === 0) return;
    const { name, release, here: marks } = random.pick(active);
    const isMarked = marks.some(({ host }) => host === node.host);
    await give(node, name, release?.id ?? "", isMarked ? "lift" : "revert");
  };

  const next = (): void => {
    clock.setTimer(-Math.log(1 - random.next()) * everyMs, () => {
      if (stopped) return;
      act(random.pick(sidecars)).catch(fatal);
      next();
    });
  };

  return {
    start: next,
    stop() {
      stopped = true;
    },
    async liftAll() {
      for (const node of sidecars) {
        const { datasets = [] } = (await statusOf(node)) ?? {};
        for (const { name, release } of datasets) {
          if (release !== null) await give(node, name, release.id, "lift");
        }
      }
    },
  };
}
