import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../simulation/random.ts";
import type { Model, Step } from "./model.ts";

/** Publishes and patches one dataset, one step after another, each again and again with its key until it is acknowledged. */
export interface Load {
  /** Steps that were acknowledged. */
  steps(): number;
  /** Ends once nothing is pending. */
  stop(): Promise<void>;
}

/** Starts with a publish. `onFault` hears of an answer that cannot be. */
export function startLoad(
  url: string,
  model: Model,
  random: Random,
  options: { readonly publishShare: number; readonly pauseMs: number; readonly onFault: (what: string) => void },
): Load {
  let steps = 0;
  const stopping = new AbortController();

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const kind = steps === 0 || random.chance(options.publishShare) ? "publish" : "patch";
      const expected = model.acknowledged() + 1;
      const number = await insist(url, model, model.begin(random, kind), options.onFault);
      if (number !== expected) options.onFault(`${model.dataset}: expected version ${expected}, was given ${number}`);
      model.settle();
      steps++;
      await sleep(random.int(options.pauseMs));
    }
  };
  const running = run();
  return {
    steps: () => steps,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** The number that the step was given, once it was. */
async function insist(url: string, model: Model, step: Step, onFault: (what: string) => void): Promise<number> {
  const body = step.kind === "publish" ? model.ndjson() : JSON.stringify(patchOf(step));
  for (let attempts = 1; ; attempts++) {
    const answer = await attempt(url, model.dataset, step, body);
    if (typeof answer === "number") return answer;
    // Refused for what it is, a step would be refused for ever.
    if (answer !== null && attempts > 3) onFault(`${model.dataset}: ${step.kind} was refused: ${answer}`);
    await sleep(20);
  }
}

/** The number, null where nobody answered, or the refusal. */
async function attempt(url: string, dataset: string, step: Step, body: string): Promise<number | string | null> {
  const path = step.kind === "publish" ? "versions" : "patches";
  const type = step.kind === "publish" ? "application/x-ndjson" : "application/json";
  try {
    const response = await fetch(`${url}/v1/datasets/${dataset}/${path}`, {
      method: "POST",
      headers: { "content-type": type, "idempotency-key": step.idempotencyKey },
      body,
    });
    const answer = (await response.json()) as { number?: number; stable?: number; code?: string };
    const number = answer.number ?? answer.stable;
    if (response.ok && number !== undefined) return number;
    return answer.code === "NOT_READY" || answer.code === "CLOSED" ? null : JSON.stringify(answer);
  } catch {
    return null;
  }
}

function patchOf({ set, remove }: Step): object {
  return {
    items: [...[...set].map(([key, value]) => ({ key, value })), ...remove.map((key) => ({ key, remove: true }))],
  };
}
