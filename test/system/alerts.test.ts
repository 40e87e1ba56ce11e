import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LoggedEvent } from "@sluice/core";
import type { DatasetStatus, StatusAnswer } from "@sluice/core/api";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  type Bench,
  createBench,
  eventually as eventuallyWithin,
  freePort,
  post,
  type RunningInstance,
} from "../support/instances.ts";
import { filesOf, hasMonitoring, type Monitoring, startMonitoring } from "../support/monitoring.ts";
import { publish, startStorefront, type Storefront } from "../support/storefront.ts";

/** The configuration as the page tells people to have it. */
const page = filesOf(readFileSync(join(import.meta.dirname, "../../docs/ALERTS.md"), "utf8"));

/** Requests a second of the shoppers. */
const pace = 150;

/** Seven processes that are compiled as they are loaded, on a machine that others use. */
const startMs = 180_000;

/** Prometheus, Alertmanager and the shop each take their seconds, and more of them where others use the machine. */
const eventually: typeof eventuallyWithin = (what, ask) => eventuallyWithin(what, ask, 90_000);

const token = "the-token-of-this-night";

/** In its ranges, and unable to act: what happens is the alerts' doing. */
const idleGuard = { toleratedRatio: 100, toleratedExtraRate: 0.999, failuresMin: 1_000, absolute: [] };

/** As large as a share of the shoppers as makes a bad file meet some at once, and no step by itself. */
const slowPlan = { steps: [{ thousandths: 25_000, holdMs: 600_000 }], automatic: false, guard: idleGuard };

describe.skipIf(!hasMonitoring())(
  "a real Prometheus and a real Alertmanager over the real storefront",
  { timeout: 240_000 },
  () => {
    let bench: Bench;
    let origin: RunningInstance;
    let shop: Storefront;
    let monitoring: Monitoring;

    beforeAll(async () => {
      bench = createBench();
      const directory = bench.directory();
      await writeFile(join(directory, "sluice.token"), `${token}\n`);
      const prometheusPort = await freePort();
      const asking = ["--prometheus", `http://127.0.0.1:${prometheusPort}`, "--prometheus-interval", "1s"];
      const tokenFile = ["--alerts-token-file", join(directory, "sluice.token")];
      origin = await bench.serve({ data: bench.directory(), args: [...tokenFile, ...asking] });
      await post(`${origin.url}/v1/datasets`, { name: "stock", policy: "immediate" });
      const alerts = JSON.parse(page.get("plan.json") ?? "{}") as object;
      await post(`${origin.url}/v1/datasets`, { name: "prices", plan: { ...slowPlan, ...alerts } });
      shop = await startStorefront(origin.url, directory);
      const files = new Map(
        [...page]
          .filter(([name]) => name.endsWith(".yml"))
          .map(([name, text]) => [
            name,
            text
              .replaceAll("127.0.0.1:3001", shop.metrics[0] ?? "")
              .replaceAll("127.0.0.1:3002", shop.metrics[1] ?? "")
              .replaceAll("127.0.0.1:7070", new URL(origin.url).host),
          ]),
      );
      monitoring = await startMonitoring({ directory, files, prometheusPort });
      await shop.pace(pace);
      await eventually("Prometheus reads both processes of the shop", async () =>
        (await monitoring.query('up{job="shop"} == 1')).length === 2 ? true : undefined,
      );
    }, startMs);

    // What one test has left running would fail the next.
    afterEach(async () => {
      if (origin !== undefined) await post(`${origin.url}/v1/datasets/prices/revert`, {});
      await shop?.pace(pace);
    });

    afterAll(async () => {
      await monitoring?.end();
      await shop?.end();
      await bench?.clear();
    });

    async function prices(): Promise<DatasetStatus> {
      const status = (await (await fetch(`${origin.url}/v1/status`)).json()) as StatusAnswer;
      const found = status.datasets.find(({ name }) => name === "prices");
      if (found === undefined) throw new Error("there are prices");
      return found;
    }

    async function logOf(type: string): Promise<(LoggedEvent & { event: Record<string, unknown> })[]> {
      const text = await (await fetch(`${origin.url}/v1/log?from=0`)).text();
      return text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as LoggedEvent & { event: Record<string, unknown> })
        .filter(({ event }) => event.type === type);
    }

    /** Publishes a file of the storefront and shows it to the first step's share of the shoppers. */
    async function release(name: string, plan?: object): Promise<string> {
      await eventually("every process of the shop follows", async () => {
        const status = (await (await fetch(`${origin.url}/v1/status`)).json()) as StatusAnswer;
        return status.followers.total >= 2 ? true : undefined;
      });
      await publish(origin.url, "prices", await shop.file(name));
      const start = { acceptQuarantined: true, ...(plan === undefined ? {} : { plan }) };
      const { body } = await post(`${origin.url}/v1/datasets/prices/release`, start);
      expect(body).toMatchObject({ outcome: "done" });
      return String(body["release"]);
    }

    test("a rule fires, the release is gone, and the alert ends by itself", async () => {
      const id = await release("v4");
      const status = await eventually("the release is gone", async () => {
        const now = await prices();
        return now.release === null ? now : undefined;
      });
      expect(status.lastRevert).toMatchObject({ release: id, by: { kind: "alert", name: "CandidateFails" } });
      expect(status.lastRevert?.cause.reason).toContain(`release="${id}"`);
      await eventually("every process of the shop took it back", () =>
        shop.messages.filter(({ type }) => type === "reverted").length === 2 ? true : undefined,
      );
      const [resolved] = await eventually("the alert is resolved", async () => {
        const ends = (await logOf("alert-received")).filter(({ event }) => event["status"] === "resolved");
        return ends.length === 0 ? undefined : ends;
      });
      expect(resolved?.event).toMatchObject({ action: "none", release: null });
      expect(await prices()).toMatchObject({ release: null });
    });

    test("an alert that holds lets go when it is resolved", async () => {
      const id = await release("shaky", {
        ...slowPlan,
        alerts: [{ matchers: ["alertname=CandidateFails", 'release=~"prices-v.*"'], action: "hold" }],
      });
      const held = await eventually("the release is held", async () => (await prices()).release?.hold ?? undefined);
      expect(held.by.name).toMatch(/^CandidateFails [0-9a-f]{16}$/);
      // Nobody asks for the bad version any more, and the rate of its failures falls to none.
      await shop.pace(0);
      await eventually("the release goes on", async () => ((await prices()).release?.hold === null ? true : undefined));
      expect((await logOf("release-resumed")).at(-1)).toMatchObject({ event: { release: id }, by: held.by });
      await shop.pace(pace);
      await eventually("it fires anew, and holds anew", async () => (await prices()).release?.hold ?? undefined);
    });

    test("a query of the plan reverts without any Alertmanager", async () => {
      const { queries } = JSON.parse(page.get("queries.json") ?? "{}") as { queries: object[] };
      const id = await release("cents", {
        ...slowPlan,
        alerts: [{ matchers: ["sluice_dataset=another"], action: "revert" }],
        queries: queries.map((query) => ({
          ...query,
          expression: `sum(rate(shop_failures_total{release="{{release}}", arm="candidate", kind="below-cost"}[5s])) > 0.5`,
        })),
      });
      await eventually("the release is gone", async () => ((await prices()).release === null ? true : undefined));
      expect((await prices()).lastRevert).toMatchObject({ release: id, by: { name: "query candidate fails" } });
      expect((await prices()).lastRevert?.cause.reason).toMatch(/^query candidate fails fires: \{\} \d/);
    });

    test("the query of the page is one that Prometheus understands, and says who does not answer when Prometheus is gone", async () => {
      const queries = JSON.parse(page.get("queries.json") ?? "{}") as object;
      await release("v2", { ...slowPlan, ...queries });
      const answered = async (): Promise<true | undefined> =>
        (await prices()).release?.queries?.[0]?.state === "quiet" ? true : undefined;
      await eventually("the query is answered, and does not fire", answered);
      await monitoring.prometheus.end();
      const reasons = await eventually("nobody answers, and status says so", async () => {
        const { health } = await prices();
        return health.reasons.length > 0 ? health.reasons : undefined;
      });
      expect(reasons.join()).toMatch(/query candidate fails of prices: unanswered for \d+ s: connection refused/);
      expect((await prices()).release?.hold).toBeNull();
    });

    test("what Alertmanager sends is refused without the token, and the command line says what it would do", async () => {
      const payload = { name: "Probe", labels: { sluice_dataset: "prices", severity: "page" } };
      expect((await post(`${origin.url}/v1/alerts`, payload)).status).toBe(401);
      const file = join(bench.directory(), "token");
      await writeFile(file, token);
      const { code, stdout } = await bench.cli(
        origin.url,
        ["alerts", "test", "-", "--token-file", file],
        JSON.stringify(payload),
      );
      expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("Probe firing") });
    });
  },
);
