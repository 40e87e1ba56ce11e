import { instanceHeader } from "@sluice/core";
import type { Post } from "./mailer.ts";

/** Sends what goes up as JSON, to the instance that it was made for. */
export function createPost(fetch: typeof globalThis.fetch): Post {
  return async ({ url, instance }, path, body, signal) => {
    const headers = { "content-type": "application/json", [instanceHeader]: instance };
    const response = await fetch(`${url}${path}`, { method: "POST", headers, body, signal });
    await response.body?.cancel();
    return response.status;
  };
}
