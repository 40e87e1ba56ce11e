import { readFile } from "node:fs/promises";
import { Hono } from "hono";

const files = [
  { path: "/", file: "index.html", type: "text/html; charset=utf-8" },
  { path: "/page.js", file: "page.js", type: "text/javascript; charset=utf-8" },
  { path: "/page.css", file: "page.css", type: "text/css; charset=utf-8" },
] as const;

/** The page of the origin: three static files, no build step, nothing from elsewhere. */
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
      return context.body(await readFile(new URL(`../../page/${file}`, import.meta.url), "utf8"));
    });
  }
  return app;
}
