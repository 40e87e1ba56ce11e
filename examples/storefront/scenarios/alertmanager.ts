import { type MonitoringRule, monitoringPrograms, startMonitoring } from "../stage/monitoring.ts";
import { guarded, type Plan } from "../stage/plan.ts";
import { storySetting } from "../stage/setting.ts";
import { shoppersPace } from "../stage/stage.ts";
import { second } from "./acts.ts";
import { flashSaleChecks } from "./business-failure.ts";
import type { Scenario } from "./scenario.ts";
import { tellTakenBack } from "./taken-back.ts";

const candidate = 'arm="candidate",release!=""';

/** What the shop's own people wrote: nobody has to buy under cost, and a release is named where one is to blame. */
const soldUnderCost: MonitoringRule = {
  alert: "SoldUnderCost",
  expr: `sum by (release) (rate(shop_failures_total{kind="below-cost",${candidate}}[5s])) / sum by (release) (rate(shop_requests_total{${candidate}}[5s])) > 0.01`,
  for: "1s",
  labels: { severity: "page", sluice_dataset: "prices" },
};

/** A plan that no alert of this shop concerns. */
const deaf: Plan = { ...guarded, alerts: [{ matchers: ['sluice_dataset="another"'], action: "revert" }] };

/** What the guard cannot see, a real Prometheus sees and a real Alertmanager says. */
export const alertmanager: Scenario = {
  name: "alertmanager",
  about:
    "The shop tells its 0.01 sales to Prometheus alone, so the guard sees nothing: a real Alertmanager takes the release back.",
  withoutGuard: "the plan is concerned by no alert of this shop: it fires, and nobody listens",
  programs: monitoringPrograms,
  setting: (guard) => ({
    ...storySetting(true),
    files: ["v1", "cents"],
    plan: guard ? guarded : deaf,
    checks: flashSaleChecks,
    lenientPayment: true,
    kindsTold: false,
    alertsWantToken: true,
  }),
  async tell({ stage, processes, directory, timeline, options }) {
    const { prometheusUrl, alertmanagerUrl } = await startMonitoring({
      processes,
      directory,
      targets: (await stage.workers.metricsPorts(10 * second)).map((port) => `127.0.0.1:${port}`),
      rules: [soldUnderCost],
      webhook: `${stage.sluice.url}/v1/alerts/alertmanager`,
      tokenFile: stage.alertsTokenFile,
    });
    timeline.say("quiet", `Prometheus asks the shop every second (${prometheusUrl}), and tells ${alertmanagerUrl}`);
    return tellTakenBack(stage, timeline, {
      file: "cents",
      wrong: "three of ten prices are 0.01, and only Prometheus is told of it",
      by: "alert",
      kind: null,
      pace: shoppersPace,
      deadlineMs: (options.guard ? 20 : 10) * second,
      lateShareMax: 0.02,
    });
  },
};
