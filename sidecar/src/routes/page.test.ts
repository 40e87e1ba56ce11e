import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createPageRoutes } from "./page.ts";

const folder = join(import.meta.dirname, "../../page");
const app = createPageRoutes();

test("every script and style sheet of the page's folder is served", async () => {
  const files = globSync("*.{js,css}", { cwd: folder });
  expect(files.length).toBeGreaterThan(10);
  for (const file of files) {
    const response = await app.request(`/page/${file}`);
    expect([file, response.status]).toEqual([file, 200]);
    expect(await response.text()).toBe(readFileSync(join(folder, file), "utf8"));
  }
});

test("whatever a script imports is served beside it", async () => {
  for (const file of globSync("*.js", { cwd: folder })) {
    for (const [, name] of readFileSync(join(folder, file), "utf8").matchAll(/^import .* from "\.\/(.+)";$/gm)) {
      expect([file, name, (await app.request(`/page/${name}`)).status]).toEqual([file, name, 200]);
    }
  }
});

test("the page may load and call nothing but its own instance", async () => {
  const response = await app.request("/");
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  const policy = response.headers.get("content-security-policy") ?? "";
  expect(policy.split("; ")).toEqual(expect.arrayContaining(["default-src 'none'", "script-src 'self'"]));
  expect(policy).not.toMatch(/unsafe|\*|https?:/);
  expect(await response.text()).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
});

test("a file that is not the page's is not served", async () => {
  expect((await app.request("/page/tsconfig.json")).status).toBe(404);
  expect((await app.request("/page/..%2fpackage.json")).status).toBe(404);
});
