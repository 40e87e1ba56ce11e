import { SluiceError } from "@sluice/core";
import type { Receipt } from "@sluice/core/api";
import { receiptActions, routes } from "@sluice/core/api";
import { Hono } from "hono";
import type { Receipts } from "../receipts.ts";
import { releaseParameter } from "./answer.ts";

/** `GET /v1/releases/:release/receipts/:action` */
export function createReceiptRoutes({ receipts }: { receipts: Pick<Receipts, "get"> }): Hono {
  const app = new Hono();
  app.get(routes.receipt.path, (context) => {
    const release = releaseParameter(context);
    const action = context.req.param("action") ?? "";
    const receipt = isAction(action) ? receipts.get(release, action) : undefined;
    if (receipt === undefined) {
      throw new SluiceError(
        "RELEASE_UNKNOWN",
        `there is no receipt of ${action} for ${release}; actions are ${receiptActions.join(", ")}`,
      );
    }
    return context.json(receipt);
  });
  return app;
}

function isAction(action: string): action is Receipt["action"] {
  return receiptActions.some((known) => known === action);
}
