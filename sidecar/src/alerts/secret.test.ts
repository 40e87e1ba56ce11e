import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Logger, pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestOrigin, type TestOrigin } from "../origin.testing.ts";
import { items, paged, prices, running, webhook } from "./alerts.testing.ts";
import { fixedSecret, isOneOf, openSecretFile } from "./secret.ts";

let directory: string;
let file: string;
let said: string[];
let logger: Logger;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "sluice-secret-"));
  file = join(directory, "token");
  said = [];
  logger = pino({ level: "trace" }, { write: (line: string) => void said.push(line) });
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** As a tool that hands out secrets does it: written beside, then put in place. */
async function replace(text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

test("the file is read again when it has changed, and two tokens hold during a change", async () => {
  await writeFile(file, "first\n");
  const secret = await openSecretFile(file, logger);
  expect(await secret.read()).toEqual(["first"]);
  await replace("second\nfirst\n");
  expect(await secret.read()).toEqual(["second", "first"]);
  await replace("second");
  expect(await secret.read()).toEqual(["second"]);
});

test("a file that goes away or is emptied leaves what it had in force, and that is logged once, without the token", async () => {
  await writeFile(file, "secret-of-the-night\n");
  const secret = await openSecretFile(file, logger);
  await rm(file);
  await secret.read();
  expect(await secret.read()).toEqual(["secret-of-the-night"]);
  expect(said).toHaveLength(1);
  await replace("\n");
  expect(await secret.read()).toEqual(["secret-of-the-night"]);
  expect(said).toHaveLength(2);
  await replace("new\n");
  expect(await secret.read()).toEqual(["new"]);
  expect(said.join()).not.toContain("secret-of-the-night");
});

test("an origin does not start with a token that is not there, is empty, or could not stand in a header", async () => {
  await expect(openSecretFile(file, logger)).rejects.toMatchObject({ code: "VALIDATION" });
  await writeFile(file, " \n");
  await expect(openSecretFile(file, logger)).rejects.toThrow("has no token");
  expect(() => fixedSecret("two words", "SLUICE_ALERTS_TOKEN")).toThrow("SLUICE_ALERTS_TOKEN");
});

test("only a whole token is one", () => {
  expect(isOneOf(["abc", "def"], "def")).toBe(true);
  for (const wrong of ["", "ab", "abcd", "ABC", "abc\n"]) expect(isOneOf(["abc", "def"], wrong)).toBe(false);
  expect(isOneOf([], "")).toBe(false);
});

async function status(origin: TestOrigin, path: string, authorization?: string): Promise<Response> {
  const body = path.endsWith("manager") || path.includes("dryRun") ? webhook([paged]) : { name: "probe" };
  return origin.post(path, body, authorization === undefined ? {} : { authorization });
}

test("both routes of alerts want the token, asking what they would do included, and no other route does", async () => {
  const origin = await running({ alertsToken: fixedSecret("s3cret", "the token") });
  for (const path of ["/v1/alerts/alertmanager", "/v1/alerts", "/v1/alerts/alertmanager?dryRun=true"]) {
    for (const wrong of [undefined, "", "Bearer", "Bearer s3cre", "Bearer s3cret2", "Basic s3cret", "s3cret"]) {
      const refused = await status(origin, path, wrong);
      expect([path, wrong, refused.status]).toEqual([path, wrong, 401]);
      expect(refused.headers.get("www-authenticate")).toMatch(/^Bearer /);
      expect(await refused.json()).toMatchObject({ code: "UNAUTHORIZED" });
    }
  }
  expect((await prices(origin)).release).not.toBeNull();
  expect((await origin.request("/v1/status")).status).toBe(200);
  expect((await status(origin, "/v1/alerts", "bearer s3cret")).status).toBe(202);
  expect((await status(origin, "/v1/alerts/alertmanager", "Bearer s3cret")).status).toBe(202);
  expect((await prices(origin)).release).toBeNull();
});

test("a token is in no log, whatever comes of the request", async () => {
  const origin = await createTestOrigin({ items, logger, alertsToken: fixedSecret("s3cret", "the token") });
  await status(origin, "/v1/alerts", "Bearer s3cret");
  await status(origin, "/v1/alerts", "Bearer wr0ng");
  await origin.post(
    "/v1/alerts",
    { name: "x", dataset: "nothing", action: "hold" },
    { authorization: "Bearer s3cret" },
  );
  expect(said.join()).not.toMatch(/s3cret|wr0ng/);
});
