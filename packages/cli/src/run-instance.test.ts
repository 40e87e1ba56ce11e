import { resolve } from "node:path";
import { SluiceError } from "@sluice/core";
import { expect, test } from "vitest";
import { createTestProgram } from "./fake-instance.testing.ts";

/** A start that hands out an instance whose closing a test decides on. */
function startable(): {
  asked: unknown[];
  started: Promise<void>;
  closed: Promise<void>;
  finish: () => void;
  start: (options: unknown) => Promise<{ url: string; close(): Promise<void> }>;
} {
  const asked: unknown[] = [];
  const started = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const finished = Promise.withResolvers<void>();
  return {
    asked,
    started: started.promise,
    closed: closed.promise,
    finish: finished.resolve,
    async start(options) {
      asked.push(options);
      // What runs is told only when whoever started it waits for a signal.
      queueMicrotask(() => queueMicrotask(started.resolve));
      return {
        url: "http://127.0.0.1:7070",
        close() {
          closed.resolve();
          return finished.promise;
        },
      };
    },
  };
}

test("serve runs until the first signal, closes, and ends with 0", async () => {
  const instance = startable();
  const program = createTestProgram(() => ({}), {
    tty: true,
    env: { NO_COLOR: "1" },
    instances: { serve: instance.start },
  });
  const run = program.run("serve", "--data", "shop", "--port", "7171");
  await instance.started;
  program.interrupt();
  await instance.closed;
  instance.finish();
  expect(await run).toEqual({
    code: 0,
    stdout: `sluice serves ${resolve("shop")} at http://127.0.0.1:7070; Ctrl-C ends it\n`,
    stderr: "closing; Ctrl-C again ends it at once\n",
  });
  const retention = { keepPatchesMs: 86_400_000, keepPatchesBytesMax: 2 ** 30, keepVersionsMs: 86_400_000 };
  const signals = { alertsToken: null, prometheus: null };
  expect(instance.asked).toEqual([
    { directory: resolve("shop"), port: 7171, host: "127.0.0.1", logLevel: "warn", retention, ...signals },
  ]);
});

test("serve is told where alerts and answers come from, and a token is never an argument", async () => {
  const instance = startable();
  const env = { SLUICE_ALERTS_TOKEN: "s3cret" };
  const program = createTestProgram(() => ({}), { env, instances: { serve: instance.start } });
  const urls = ["--prometheus", "http://127.0.0.1:9090/prom", "--prometheus-interval", "1s"];
  const run = program.run("serve", ...urls, "--prometheus-token-file", "prom.token");
  await instance.started;
  program.interrupt();
  await instance.closed;
  instance.finish();
  await run;
  expect(instance.asked).toMatchObject([
    {
      alertsToken: { token: "s3cret" },
      prometheus: { url: "http://127.0.0.1:9090/prom", intervalMs: 1_000, tokenFile: resolve("prom.token") },
    },
  ]);
  const both = await program.run("serve", "--alerts-token-file", "alerts.token");
  expect([both.code, both.stderr]).toEqual([2, expect.stringContaining("are both given; give one")]);
  for (const url of ["prometheus:9090", "http://me:s3cret@host", "http://host?x=1"]) {
    const refused = await program.run("serve", "--prometheus", url);
    expect([url, refused.code]).toEqual([url, 2]);
    expect(refused.stderr).not.toContain("s3cret");
  }
});

test("what serve keeps, and for how long, is said as people say it", async () => {
  const instance = startable();
  const program = createTestProgram(() => ({}), { instances: { serve: instance.start } });
  const run = program.run("serve", "--keep-patches", "2h", "--keep-patches-bytes", "64MiB", "--keep-versions", "7d");
  await instance.started;
  program.interrupt();
  await instance.closed;
  instance.finish();
  await run;
  expect(instance.asked).toMatchObject([
    { retention: { keepPatchesMs: 7_200_000, keepPatchesBytesMax: 67_108_864, keepVersionsMs: 604_800_000 } },
  ]);
});

test("a second signal ends the process at once", async () => {
  const instance = startable();
  const exits: number[] = [];
  const program = createTestProgram(() => ({}), {
    instances: { serve: instance.start },
    exit: (code) => {
      exits.push(code);
      instance.finish();
    },
  });
  const run = program.run("serve");
  await instance.started;
  program.interrupt();
  await instance.closed;
  expect(exits).toEqual([]);
  program.interrupt();
  await run;
  expect(exits).toEqual([130]);
});

test("a signal while it starts closes it when it has", async () => {
  const instance = startable();
  const program = createTestProgram(() => ({}), { instances: { serve: instance.start } });
  const run = program.run("serve");
  program.interrupt();
  await instance.closed;
  instance.finish();
  expect((await run).code).toBe(0);
});

test("without a terminal its own log speaks, and --json gives the URL", async () => {
  for (const [argv, expected] of [
    [["serve"], ""],
    [["serve", "--json"], '{"url":"http://127.0.0.1:7070"}\n'],
  ] as const) {
    const instance = startable();
    const program = createTestProgram(() => ({}), { instances: { serve: instance.start } });
    const run = program.run(...argv);
    await instance.started;
    program.interrupt();
    instance.finish();
    expect((await run).stdout).toBe(expected);
    expect(instance.asked).toMatchObject([{ logLevel: "info", directory: resolve(".sluice"), port: 7070 }]);
  }
});

test("what keeps an instance from starting is said, with its exit code", async () => {
  const message = "port 7070 is taken: stop what listens there or choose another with --port";
  const serve = (): Promise<never> => Promise.reject(new SluiceError("VALIDATION", message));
  const { code, stderr } = await createTestProgram(() => ({}), { instances: { serve } }).run("serve");
  expect({ code, stderr }).toEqual({ code: 2, stderr: `error VALIDATION: ${message}\n` });
});

test("an error of Node's own is one line with its code", async () => {
  const message = "EACCES: permission denied, mkdir '/srv'";
  const serve = (): Promise<never> => Promise.reject(Object.assign(new Error(message), { code: "EACCES" }));
  const { code, stderr } = await createTestProgram(() => ({}), { instances: { serve } }).run("serve");
  expect({ code, stderr }).toEqual({ code: 1, stderr: "error EACCES: permission denied, mkdir '/srv'\n" });
});

test("a sidecar follows its origins in order, under the host's name", async () => {
  const instance = startable();
  const program = createTestProgram(() => ({}), { instances: { follow: instance.start } });
  const run = program.run("sidecar", "--origin", "http://a:7070, http://b:7070", "--port", "0", "--log-level", "debug");
  await instance.started;
  program.interrupt();
  instance.finish();
  await run;
  expect(instance.asked).toEqual([
    {
      origins: ["http://a:7070", "http://b:7070"],
      directory: null,
      port: 0,
      host: "127.0.0.1",
      name: "host-1",
      logLevel: "debug",
    },
  ]);
});

test("a sidecar without an origin, or with what is no URL, is a usage error", async () => {
  const program = createTestProgram(() => ({}));
  for (const argv of [
    ["sidecar"],
    ["sidecar", "--origin", "a:7070"],
    ["serve", "--port", "70700"],
    ["serve", "--log-level", "loud"],
    ["serve", "--keep-patches", "forever"],
    ["serve", "--keep-patches-bytes", "much"],
  ]) {
    expect((await program.run(...argv)).code).toBe(2);
  }
});
