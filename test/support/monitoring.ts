import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { eventually, freePort } from "./instances.ts";

/** A real Prometheus and a real Alertmanager. */
export interface Monitoring {
  readonly prometheus: RunningProgram;
  readonly alertmanager: RunningProgram;
  /** What an expression comes to now: the values of an instant vector. */
  query(expression: string): Promise<number[]>;
  end(): Promise<void>;
}

/** A program that is not this project's. */
export interface RunningProgram {
  readonly url: string;
  readonly pid: number;
  /** What it wrote so far. */
  output(): string;
  end(): Promise<void>;
}

const programs = ["prometheus", "prometheus-alertmanager"] as const;

/** Whether both are installed. Throws where they are not and `SLUICE_REQUIRE_PROMETHEUS=1` insists on them. */
export function hasMonitoring(): boolean {
  const missing = programs.filter((program) => spawnSync(program, ["--version"]).status !== 0);
  if (missing.length > 0 && process.env["SLUICE_REQUIRE_PROMETHEUS"] === "1") {
    throw new Error(`SLUICE_REQUIRE_PROMETHEUS=1, and there is no ${missing.join(" and no ")}`);
  }
  return missing.length === 0;
}

/** The code blocks of a page whose first line is a comment that names a file: `# rules.yml`. */
export function filesOf(markdown: string): ReadonlyMap<string, string> {
  const blocks = markdown.matchAll(/^```\w+\n(?:#|\/\/) (\S+\.\w+)\n([\s\S]*?)^```$/gm);
  return new Map(Array.from(blocks, ([, name = "", text = ""]) => [name, text]));
}

/**
 * Starts both with configuration files as people have them: `prometheus.yml`, `alertmanager.yml` and what these name.
 * Wherever they say `127.0.0.1:9093`, Alertmanager's free port is put in its place.
 */
export async function startMonitoring(options: {
  readonly directory: string;
  readonly files: ReadonlyMap<string, string>;
  readonly prometheusPort: number;
}): Promise<Monitoring> {
  const { directory, files, prometheusPort } = options;
  const alertmanagerPort = await freePort();
  for (const [name, text] of files) {
    const file = join(directory, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text.replaceAll("127.0.0.1:9093", `127.0.0.1:${alertmanagerPort}`));
  }
  const alertmanager = run("prometheus-alertmanager", alertmanagerPort, [
    `--config.file=${join(directory, "alertmanager.yml")}`,
    `--storage.path=${join(directory, "alertmanager")}`,
    `--web.listen-address=127.0.0.1:${alertmanagerPort}`,
    // It would look for others of its kind.
    "--cluster.listen-address=",
  ]);
  const prometheus = run("prometheus", prometheusPort, [
    `--config.file=${join(directory, "prometheus.yml")}`,
    `--storage.tsdb.path=${join(directory, "prometheus")}`,
    `--web.listen-address=127.0.0.1:${prometheusPort}`,
  ]);
  const end = async (): Promise<void> => {
    await Promise.all([prometheus.end(), alertmanager.end()]);
  };
  try {
    await Promise.all([ready(prometheus), ready(alertmanager)]);
  } catch (error) {
    await end();
    throw error;
  }
  return {
    prometheus,
    alertmanager,
    async query(expression) {
      const response = await fetch(`${prometheus.url}/api/v1/query?query=${encodeURIComponent(expression)}`);
      const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
      return data.result.map(({ value }) => Number(value[1]));
    },
    end,
  };
}

function run(program: string, port: number, args: readonly string[]): RunningProgram {
  const child: ChildProcess = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const closed = once(child, "close");
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    output: () => output,
    async end() {
      child.kill("SIGTERM");
      await closed;
    },
  };
}

async function ready(program: RunningProgram): Promise<void> {
  const url = `${program.url}/-/ready`;
  try {
    await eventually(`${url} answers`, async () => ((await fetch(url)).ok ? true : undefined));
  } catch (error) {
    throw new Error(`it was never ready and wrote:\n${program.output()}`, { cause: error });
  }
}
