import { isErrorCode, type JsonValue } from "@sluice/core";
import { createTestOrigin } from "../../../sidecar/src/origin.testing.ts";
import type { Random } from "../../simulation/random.ts";
import { mutateBytes } from "../mutate-bytes.ts";
import { mutateJson } from "../mutate-json.ts";
import type { Target } from "../target.ts";

/** One request of an input. */
interface Sample {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly body?: JsonValue;
}

const release = "/v1/releases/prices-3-r";
const arm = { ok: 3, failures: { error: { count: 1, distinct: 1 } }, units: [17] };

const samples: readonly Sample[] = [
  { method: "POST", path: "/v1/datasets", body: { name: "stock", policy: "immediate", template: "stock" } },
  {
    method: "POST",
    path: "/v1/datasets",
    body: {
      name: "other",
      plan: { steps: [{ thousandths: 1_000, holdMs: 1 }], alerts: [{ matchers: ['a=~"b|c"'], action: "hold" }] },
      checks: [{ kind: "keys-removed", shareMax: 0.1, action: "refuse" }],
    },
  },
  {
    method: "POST",
    path: "/v1/datasets/prices/versions?release=true&thousandths=5000",
    body: { a: { price: 2 }, b: 3 },
  },
  { method: "POST", path: "/v1/datasets/prices/versions", body: { a: { price: 4 } } },
  {
    method: "POST",
    path: "/v1/datasets/prices/patches",
    body: {
      items: [
        { key: "a", merge: { price: 9, old: null } },
        { key: "é", value: [1] },
        { key: "b", remove: true },
      ],
      line: "both",
    },
  },
  { method: "POST", path: "/v1/datasets/prices/sources", body: { url: "file:///gone.json", intervalMs: 1_000 } },
  { method: "DELETE", path: "/v1/datasets/prices/sources/main" },
  {
    method: "POST",
    path: "/v1/datasets/prices/release",
    body: { publish: 3, thousandths: 7, acceptQuarantined: true },
  },
  { method: "POST", path: "/v1/datasets/prices/revert", body: { reason: "why" } },
  { method: "POST", path: "/v1/datasets/prices/quarantine/lift", body: { publish: 2, keys: ["a"], reason: "ok" } },
  { method: "POST", path: `${release}/percentage`, body: { thousandths: 50_000, epoch: 1 } },
  { method: "POST", path: `${release}/hold`, body: { reason: "why" } },
  { method: "POST", path: `${release}/resume`, body: {} },
  { method: "POST", path: `${release}/promote`, body: { epoch: null } },
  { method: "POST", path: `${release}/revert?wait=0`, body: { reason: "why" } },
  { method: "GET", path: `${release}/receipts/start` },
  { method: "GET", path: "/v1/datasets/prices/items/a?as=user-1" },
  { method: "POST", path: "/v1/datasets/prices/items", body: { keys: ["a", "b"], as: "user-1" } },
  { method: "GET", path: "/v1/status" },
  { method: "GET", path: "/v1/log?from=0&dataset=prices&limit=10" },
  { method: "GET", path: "/v1/state" },
  { method: "GET", path: `/v1/blobs/${"0".repeat(64)}` },
  { method: "GET", path: "/v1/follow?id=f1&name=shop&kind=sdk&log=log-1&from=2&marks=a,b" },
  {
    method: "POST",
    path: "/v1/outcomes",
    body: {
      reporter: "r1",
      sequence: 1,
      reports: [{ release: "prices-3-r", epoch: 1, candidate: arm, control: arm, served: { candidate: 1, stable: 1 } }],
    },
  },
  {
    method: "POST",
    path: "/v1/confirmations",
    body: {
      confirmations: [{ follower: "f1", applied: 3, reverted: [], prepared: ["prices-3-r"] }],
      children: { of: "s1", followers: [{ id: "f2", name: "shop", kind: "sdk" }] },
    },
  },
  {
    method: "POST",
    path: "/v1/alerts/alertmanager",
    body: {
      version: "4",
      groupKey: "g",
      status: "firing",
      receiver: "sluice",
      groupLabels: {},
      commonLabels: {},
      commonAnnotations: {},
      externalURL: "",
      alerts: [
        { status: "firing", labels: { alertname: "Errors", a: "b" }, annotations: {}, startsAt: "", endsAt: "" },
        {
          status: "resolved",
          labels: { alertname: "Errors", a: "b" },
          startsAt: "2026-11-11T00:00:00Z",
          fingerprint: "8d3f21c9aa00b1e2",
        },
      ],
    },
  },
  {
    method: "POST",
    path: "/v1/alerts?dryRun=true",
    body: { name: "probe", status: "resolved", labels: { a: "b" }, dataset: "prices", action: "hold", reason: "r" },
  },
  { method: "GET", path: "/readyz" },
];

/** The API of an origin: requests one after another, each of which is answered, or refused with a code that is one. */
export function createHttpTargets(): readonly Target[] {
  const bodies = samples.map(({ body }) => Buffer.from(JSON.stringify(body ?? null)));
  return [
    {
      name: "http",
      weight: 0.5,
      input: (random) => {
        const requests = Array.from({ length: 1 + random.int(24) }, () => requestOf(random, bodies));
        return Buffer.from(JSON.stringify(requests));
      },
      async take(input) {
        const test = await createTestOrigin({ items: { a: { price: 1 }, b: 2 } });
        for (const [method, path, type, body] of JSON.parse(Buffer.from(input).toString()) as Request[]) {
          const init = method === "GET" ? {} : { body: Buffer.from(body, "base64") };
          const response = await test.request(path, { method, headers: { "content-type": type }, ...init });
          if (response.headers.get("content-type")?.startsWith("text/event-stream") === true) {
            await response.body?.cancel();
          } else await checkAnswer(`${method} ${path}`, response);
        }
        await test.origin.close();
      },
      // A publish reads, compares and builds in buffers of a megabyte and less.
      bytesMax: (inputBytes) => 64_000_000 + 64 * inputBytes,
    },
  ];
}

type Request = readonly [method: string, path: string, type: string, body: string];

function requestOf(random: Random, bodies: readonly Uint8Array[]): Request {
  const { method, path, body = null } = random.pick(samples);
  const value = random.chance(0.5) ? mutateJson(random, body) : body;
  const text = Buffer.from(JSON.stringify(value));
  const bytes = random.chance(0.2) ? mutateBytes(random, text, bodies) : text;
  const type = random.chance(0.1) ? random.pick(["application/x-ndjson", "text/plain", ""]) : "application/json";
  return [method, random.chance(0.2) ? changedPath(random, path) : path, type, bytes.toString("base64")];
}

/** A path with another byte in it; one that is no path of a URL any more is none that a server ever sees. */
function changedPath(random: Random, path: string): string {
  const changed = mutateBytes(random, Buffer.from(path), [Buffer.from(path)]).toString("latin1");
  return URL.canParse(changed, "http://localhost") && changed.startsWith("/v1/") ? changed : path;
}

async function checkAnswer(what: string, response: Response): Promise<void> {
  const text = await response.text();
  if (response.status < 400) return;
  const { code, detail } = JSON.parse(text) as { code?: unknown; detail?: unknown };
  if (!isErrorCode(code) || code === "INTERNAL") throw new Error(`${what} was answered ${response.status}: ${text}`);
  if (typeof detail !== "string" || detail === "") throw new Error(`${what} was refused without a word: ${text}`);
}
