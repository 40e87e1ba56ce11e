import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { StatusAnswer } from "@sluice/core/api";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { chromium } from "playwright-core";
import type { TestContext } from "vitest";
import { expect } from "vitest";
import type { FakeOrigin } from "./fake-origin.ts";
import { startFakeOrigin } from "./fake-origin.ts";
import { midnight } from "./situations.ts";

const names = ["chromium", "chromium-browser", "google-chrome"];

/** A page that is open on a fake origin. */
export interface Scene {
  readonly page: Page;
  readonly origin: FakeOrigin;
  /** What the page complained of in its console; a test ends with none, so one that means them takes them out. */
  readonly complaints: string[];
}

/** A real browser for the tests of one file. */
export interface Stage {
  /**
   * Opens the page in a fresh profile on an origin that shows `first`, at midnight by the page's clock, which moves. Where there is no
   * browser the test is skipped; with SLUICE_REQUIRE_BROWSER=1 it fails.
   */
  open(context: TestContext, first: StatusAnswer, options?: BrowserContextOptions): Promise<Scene>;
  close(): Promise<void>;
}

/** Makes the stage; the browser starts with the first test that opens a page. */
export function createStage(): Stage {
  let launched: Promise<Browser> | undefined;
  let told = false;

  return {
    async open(context, first, options = {}) {
      const executablePath = browserPath();
      if (executablePath === undefined) {
        const message = `no browser: none of ${names.join(", ")} is on the PATH (apt-get install chromium)`;
        if (process.env["SLUICE_REQUIRE_BROWSER"] === "1") throw new Error(message);
        if (!told) process.stderr.write(`the page is not tested: ${message}\n`);
        told = true;
        return context.skip(message);
      }
      launched ??= launch(executablePath);
      const browser = await launched;
      const origin = await startFakeOrigin();
      const profile = await browser.newContext({
        locale: "en-US",
        timezoneId: "Asia/Shanghai",
        viewport: { width: 1280, height: 900 },
        reducedMotion: "reduce",
        ...options,
      });
      const page = await profile.newPage();
      const complaints: string[] = [];
      context.onTestFinished(async () => {
        await profile.close();
        await origin.close();
        expect(complaints).toEqual([]);
      });
      page.on("pageerror", ({ message }) => complaints.push(message));
      page.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
      });
      origin.show(first);
      await page.clock.install({ time: midnight });
      await page.goto(origin.url);
      await page.locator(".connection[data-state=live]").waitFor();
      return { page, origin, complaints };
    },
    async close() {
      await (await launched)?.close();
    },
  };
}

function launch(executablePath: string): Promise<Browser> {
  const quiet = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  return chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu", ...quiet] });
}

function browserPath(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
