/** What came of one request that read the prices. */
export interface ServedRequest {
  readonly route: string;
  readonly status: number;
  /** The kind of failure that the shop says itself, such as a payment that was refused; null where it says none. */
  readonly failure: string | null;
  readonly arm: "candidate" | "control" | null;
  /** The release of the prices that ran when the request began. */
  readonly release: string | null;
  readonly seconds: number;
}

/** What a process of the shop has counted since it started, for Prometheus to fetch. */
export interface Metrics {
  count(request: ServedRequest): void;
  /** In Prometheus' text format, version 0.0.4. */
  text(): string;
}

/** Counters that a shop has anyway, with two labels more: the arm and the release, so that an alert can say which one is bad. */
export function createMetrics(): Metrics {
  const requests = createCounter("shop_requests_total", "Requests that read a price.");
  const failures = createCounter(
    "shop_failures_total",
    "Those that failed, by kind; error is a status of 500 and above.",
  );
  const seconds = createCounter("shop_request_seconds_sum", "Seconds spent on them.");
  const counted = createCounter("shop_request_seconds_count", "How many those seconds are of.");

  return {
    count({ route, status, failure, arm, release, seconds: spent }) {
      const side = { arm: arm ?? "", release: release ?? "" };
      requests.add({ route, status: String(status), ...side }, 1);
      const kind = failure ?? (status >= 500 ? "error" : null);
      if (kind !== null) failures.add({ kind, ...side }, 1);
      seconds.add(side, spent);
      counted.add(side, 1);
    },
    text: () => [requests, failures, seconds, counted].map((counter) => counter.text()).join(""),
  };
}

interface Counter {
  add(labels: Readonly<Record<string, string>>, by: number): void;
  text(): string;
}

function createCounter(name: string, help: string): Counter {
  const values = new Map<string, number>();
  return {
    add(labels, by) {
      const series = Object.entries(labels)
        .map(([label, value]) => `${label}="${escapeLabel(value)}"`)
        .join(",");
      values.set(series, (values.get(series) ?? 0) + by);
    },
    text() {
      const lines = Array.from(values, ([series, value]) => `${name}{${series}} ${value}\n`);
      return `# HELP ${name} ${help}\n# TYPE ${name} counter\n${lines.join("")}`;
    },
  };
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
