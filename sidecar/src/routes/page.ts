import { readFile } from "node:fs/promises";
import { Hono } from "hono";

const styles = ["base", "page", "plan", "release"] as const;

const scripts = [
  "api",
  "arms",
  "back",
  "card",
  "difference",
  "dom",
  "followers",
  "guard",
  "history",
  "locale",
  "page",
  "parts",
  "promotion",
  "receipt",
  "release",
  "revert",
  "rows",
  "steer",
  "stream",
  "text",
  "text-plan",
  "theme",
  "top",
  "trace",
] as const;

const files: readonly { readonly path: string; readonly file: string; readonly type: string }[] = [
  { path: "/", file: "index.html", type: "text/html; charset=utf-8" },
  ...styles.map((name) => ({ path: `/page/${name}.css`, file: `${name}.css`, type: "text/css; charset=utf-8" })),
  ...scripts.map((name) => ({ path: `/page/${name}.js`, file: `${name}.js`, type: "text/javascript; charset=utf-8" })),
];

/** The page of the origin: static files, no build step, nothing from elsewhere. */
export function createPageRoutes(): Hono {
  const app = new Hono();
  for (const { path, file, type } of files) {
    app.get(path, async (context) => {
      context.header("content-type", type);
      context.header("cache-control", "no-cache");
      context.header(
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      );
      context.header("x-content-type-options", "nosniff");
      context.header("referrer-policy", "no-referrer");
      return context.body(await readFile(new URL(`../../page/${file}`, import.meta.url), "utf8"));
    });
  }
  return app;
}
