import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answering } from "./answering.ts";
import { freePort } from "./instances.ts";
import type { Child, Processes } from "./processes.ts";

/** The programs that `startMonitoring` runs; each is in the Debian package of its name. */
export const monitoringPrograms = ["prometheus", "prometheus-alertmanager"] as const;

/** An alerting rule as Prometheus has it. */
export interface MonitoringRule {
  readonly alert: string;
  /** PromQL. */
  readonly expr: string;
  /** `2s`: for how long it has to hold. */
  readonly for: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A Prometheus and an Alertmanager that run. */
export interface Monitoring {
  readonly prometheusUrl: string;
  readonly alertmanagerUrl: string;
}

const readyMs = 20_000;

/**
 * Starts a Prometheus that asks `targets` (`host:port` of `/metrics`) every second, and an Alertmanager that passes on to `webhook`
 * what fires, without its usual waits: a demo has no minute. Ends when both are ready.
 */
export async function startMonitoring(parts: {
  readonly processes: Processes;
  readonly directory: string;
  readonly targets: readonly string[];
  readonly rules: readonly MonitoringRule[];
  readonly webhook: string;
  /** A file with the token that the webhook wants; null where it wants none. */
  readonly tokenFile: string | null;
}): Promise<Monitoring> {
  const { processes, directory, targets, rules, webhook, tokenFile } = parts;
  const [prometheusPort, alertmanagerPort] = [await freePort(), await freePort()];
  const folder = join(directory, "monitoring");
  mkdirSync(folder);
  // Both read YAML, of which JSON is a part.
  const write = (name: string, config: unknown): string => {
    const file = join(folder, name);
    writeFileSync(file, JSON.stringify(config, null, 2));
    return file;
  };
  const rulesFile = write("rules.yml", { groups: [{ name: "shop", interval: "1s", rules }] });
  const prometheusFile = write("prometheus.yml", {
    global: { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" },
    rule_files: [rulesFile],
    scrape_configs: [{ job_name: "shop", static_configs: [{ targets }] }],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${alertmanagerPort}`] }] }] },
  });
  const authorization = tokenFile === null ? {} : { authorization: { credentials_file: tokenFile } };
  const alertmanagerFile = write("alertmanager.yml", {
    route: {
      receiver: "sluice",
      group_by: ["alertname", "sluice_dataset"],
      group_wait: "0s",
      group_interval: "1s",
      repeat_interval: "1m",
    },
    receivers: [
      { name: "sluice", webhook_configs: [{ url: webhook, send_resolved: true, http_config: authorization }] },
    ],
  });

  const run = (program: string, args: readonly string[]): Child =>
    processes.start({ name: program, file: "program.ts", args: [program, ...args] });
  const alertmanager = run("prometheus-alertmanager", [
    `--config.file=${alertmanagerFile}`,
    `--storage.path=${join(folder, "alertmanager")}`,
    `--web.listen-address=127.0.0.1:${alertmanagerPort}`,
    // It would look for others of its kind on the network.
    "--cluster.listen-address=",
    "--log.level=warn",
  ]);
  const prometheus = run("prometheus", [
    `--config.file=${prometheusFile}`,
    `--storage.tsdb.path=${join(folder, "prometheus")}`,
    `--web.listen-address=127.0.0.1:${prometheusPort}`,
    "--log.level=warn",
  ]);
  const monitoring = {
    prometheusUrl: `http://127.0.0.1:${prometheusPort}`,
    alertmanagerUrl: `http://127.0.0.1:${alertmanagerPort}`,
  };
  await Promise.all([ready(monitoring.alertmanagerUrl, alertmanager), ready(monitoring.prometheusUrl, prometheus)]);
  return monitoring;
}

async function ready(url: string, { name, exited }: Child): Promise<void> {
  const died = exited.then(() => {
    throw new Error(`${name} ended before it was ready`);
  });
  await Promise.race([answering(`${url}/-/ready`, readyMs), died]);
}
