import { expect, test } from "vitest";
import { serving } from "../stage/serving.testing.ts";
import { createUpstream } from "./offers.ts";

const files = new Map([
  ["v1.ndjson", "one\n"],
  ["v4.ndjson", "four\n"],
  ["costs.ndjson", "costs\n"],
]);

test("who has the file on offer is told so, and another file has another tag", () =>
  serving(createUpstream(files, "v1"), async (url) => {
    const ask = (etag = ""): Promise<Response> =>
      fetch(`${url}/prices.ndjson`, { headers: etag === "" ? {} : { "if-none-match": etag } });
    const first = await ask();
    const etag = first.headers.get("etag") ?? "";
    expect(await first.text()).toBe("one\n");
    expect((await ask(etag)).status).toBe(304);
    await fetch(`${url}/offer/v4`, { method: "POST" });
    expect(await (await ask(etag)).text()).toBe("four\n");
  }));

test("the same file offered again has another tag and is downloaded whole, which is counted", () =>
  serving(createUpstream(files, "v4"), async (url) => {
    const first = await fetch(`${url}/prices.ndjson`);
    await first.text();
    await fetch(`${url}/offer/v4`, { method: "POST" });
    expect(await (await fetch(`${url}/offer`)).json()).toMatchObject({ offered: "v4", downloads: 0 });
    const again = await fetch(`${url}/prices.ndjson`, {
      headers: { "if-none-match": first.headers.get("etag") ?? "" },
    });
    expect(await again.text()).toBe("four\n");
    expect(await (await fetch(`${url}/offer`)).json()).toMatchObject({ downloads: 1, notModified: 0 });
  }));

test("every file can be had by its name, whatever is on offer, and what there is not is said", () =>
  serving(createUpstream(files, "v1"), async (url) => {
    expect(await (await fetch(`${url}/files/costs.ndjson`)).text()).toBe("costs\n");
    expect((await fetch(`${url}/files/v9.ndjson`)).status).toBe(404);
    expect((await fetch(`${url}/offer/v9`, { method: "POST" })).status).toBe(404);
    expect(await (await fetch(`${url}/offer`)).json()).toMatchObject({ offered: "v1" });
  }));
