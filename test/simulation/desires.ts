import type { Items } from "./content.ts";
import type { DatasetPosition, History } from "./history.ts";
import { type Operation, operation, publish, type PublishRequest } from "./operation.ts";
import { originUrl } from "./origin-node.ts";
import type { Random } from "./random.ts";
import { restoreOperation } from "./restores.ts";
import { type DatasetName, datasetBodies, datasetNames, drawChanges, firstItems, nextItems } from "./shop.ts";

/** Draws what operators want next. */
export interface Desires {
  next(): Operation;
  /** The operations that set the shop up, in order. */
  first(): readonly Operation[];
}

const shares: readonly number[] = [0, 1_000, 5_000, 20_000, 50_000, 90_000, 99_999, 100_000];

/** Draws from what the log says now; by the time that it arrives something else may be so. */
export function createDesires(dependencies: {
  readonly random: Random;
  readonly history: History;
  /** For what is no command: alerts. */
  readonly fetch: typeof globalThis.fetch;
}): Desires {
  const { random, history, fetch } = dependencies;
  let count = 0;
  let serial = 0;

  const id = (): string => {
    count += 1;
    return `op-${count}`;
  };

  const drawRequest = (dataset: DatasetName): PublishRequest => {
    const release = dataset === "stock" ? random.chance(0.2) : random.chance(0.6);
    const chosen = release && random.chance(0.5) ? { thousandths: random.pick(shares) } : {};
    return {
      release,
      supersede: release && random.chance(0.3),
      acceptQuarantined: release && random.chance(0.25),
      ...chosen,
    };
  };

  const offer = (dataset: DatasetName, items: Items, request: PublishRequest): Operation => {
    history.offer(dataset, items);
    return publish(id(), random, dataset, items, request);
  };

  const publishNext = (dataset: DatasetName, at: DatasetPosition | undefined): Operation => {
    const stable =
      at?.stable === null || at?.stable === undefined ? undefined : history.version(dataset, at.stable.number);
    if (stable === undefined) return offer(dataset, firstItems(random), plainRequest);
    serial += 1;
    return offer(dataset, nextItems(random, stable.items, { bad: random.chance(0.35), serial }), drawRequest(dataset));
  };

  /** What was taken back is offered again: the file is still there. */
  const publishReverted = (dataset: DatasetName, at: DatasetPosition | undefined): Operation => {
    const reverted = [...history.quarantined(dataset).values()];
    if (reverted.length === 0) return publishNext(dataset, at);
    return offer(dataset, random.pick(reverted).items, drawRequest(dataset));
  };

  const patch = (dataset: DatasetName): Operation => {
    const items = drawChanges(random);
    const line = random.chance(0.5) ? "both" : null;
    return operation(id(), {
      what: `patch ${dataset} ${JSON.stringify(items)} ${line ?? ""}`,
      changes: items,
      run: (admin) => admin.patch(dataset, { items, line }),
    });
  };

  const start = (dataset: DatasetName, at: DatasetPosition | undefined): Operation => {
    const looked = random.chance(0.7) ? { publish: at?.candidate?.publish ?? 1 } : {};
    const body = { ...looked, thousandths: random.pick(shares), acceptQuarantined: random.chance(0.4) };
    return operation(id(), {
      // At everybody the bake begins with it.
      eventsMax: 2,
      what: `start ${dataset} ${JSON.stringify(body)}`,
      run: (admin) => admin.startRelease(dataset, body),
    });
  };

  const move = (release: string): Operation => {
    const isGuardOff = (history.state(history.sequence).releases[release]?.guardOff ?? null) !== null;
    const guardOn = isGuardOff ? 2 : 0.3;
    switch (random.weighted({ percentage: 8, promote: 2, hold: 2, resume: 3, guardOff: 1, guardOn })) {
      case "percentage": {
        const thousandths = random.pick(shares);
        const run: Operation["run"] = (admin) => admin.setPercentage(release, { thousandths });
        // By hand on a plan that runs by itself it is two events: the percentage and the hold.
        return operation(id(), { what: `percentage ${release} ${thousandths}`, eventsMax: 2, run });
      }
      case "promote":
        return operation(id(), { what: `promote ${release}`, run: (admin) => admin.promote(release) });
      case "hold":
        return operation(id(), { what: `hold ${release}`, run: (admin) => admin.hold(release) });
      case "resume":
        return operation(id(), { what: `resume ${release}`, run: (admin) => admin.resume(release) });
      case "guardOff": {
        const body = { forMs: 1_000 + random.int(8_000), reason: "a person knows better" };
        const run: Operation["run"] = (admin) => admin.guardOff(release, body);
        return operation(id(), { what: `guard-off ${release} ${body.forMs}`, run });
      }
      case "guardOn":
        return operation(id(), { what: `guard-on ${release}`, run: (admin) => admin.guardOn(release) });
      default:
        throw new Error("a move that nobody knows");
    }
  };

  const revert = (dataset: DatasetName, release: string | undefined): Operation => {
    const reason = { reason: "a person took it back" };
    if (release === undefined || random.chance(0.4)) {
      const run: Operation["run"] = (admin) => admin.revertDataset(dataset, reason);
      return operation(id(), { what: `revert ${dataset}`, reverts: { dataset, release: null }, run });
    }
    return operation(id(), {
      what: `revert ${release}`,
      reverts: { dataset, release },
      run: (admin) => admin.revertRelease(release, reason),
    });
  };

  const alert = (dataset: DatasetName): Operation => {
    const name = id();
    const severity = random.pick(["page", "warning"]);
    const labels = { alertname: name, sluice_dataset: dataset, service: random.pick(["checkout", "search"]), severity };
    const status = random.chance(0.8) ? "firing" : "resolved";
    const body = JSON.stringify({ version: "4", alerts: [{ status, labels }] });
    const init = { method: "POST", headers: { "content-type": "application/json" }, body };
    return operation(name, {
      what: `alert ${JSON.stringify(labels)} ${status}`,
      // Alertmanager sends an alert for as long as it fires.
      eventsMax: null,
      async run() {
        const response = await fetch(`${originUrl}/v1/alerts/alertmanager`, init);
        return { outcome: `status ${response.status}` };
      },
    });
  };

  const lift = (dataset: DatasetName): Operation => {
    const marked = [...history.quarantined(dataset).values()].map(({ publish: of }) => of);
    const of = marked.length === 0 ? 1 : random.pick(marked);
    const run: Operation["run"] = (admin) => admin.liftQuarantine(dataset, { publish: of });
    return operation(id(), { what: `lift ${dataset} v${of}`, run });
  };

  return {
    first: () => [
      ...datasetBodies.map((body) =>
        operation(id(), { what: `create ${body.name}`, run: (admin) => admin.createDataset(body) }),
      ),
      ...datasetNames.map((dataset) => offer(dataset, firstItems(random), plainRequest)),
    ],
    next() {
      const dataset = random.weighted({ prices: 4, promotions: 3, stock: 2 });
      const at = history.position(history.sequence)[dataset];
      const release = at?.release?.id;
      const isHeld = release === undefined && at?.candidate !== null && at?.candidate !== undefined;
      const kind = random.weighted({
        publish: release === undefined ? 5 : 1.5,
        reverted: 1,
        patch: dataset === "stock" ? 12 : 5,
        start: isHeld ? 8 : 0.2,
        move: release === undefined ? 0 : 6,
        revert: release === undefined ? 0.2 : 1.5,
        alert: release === undefined ? 0.2 : 1,
        lift: 0.3,
        restore: 0.5,
      });
      switch (kind) {
        case "publish":
          return publishNext(dataset, at);
        case "reverted":
          return publishReverted(dataset, at);
        case "patch":
          return patch(dataset);
        case "start":
          return start(dataset, at);
        case "move":
          return move(release ?? "");
        case "revert":
          return revert(dataset, release);
        case "alert":
          return alert(dataset);
        case "lift":
          return lift(dataset);
        case "restore":
          return restoreOperation(id(), random, history, dataset) ?? patch(dataset);
        default:
          throw new Error("a wish that nobody knows");
      }
    },
  };
}

const plainRequest: PublishRequest = { release: false, supersede: false, acceptQuarantined: false };
