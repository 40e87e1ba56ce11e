// The shoppers: a process that sends real requests and judges what it is answered. It knows nothing of Sluice.
import { parseArgs } from "node:util";
import { createCrowd } from "./judge/crowd.ts";
import { fetchTruth } from "./judge/truth.ts";
import { createLedger, type Facts } from "./judge/ledger.ts";
import { handleWith, listen, readJson, sendJson, tellParent } from "./stage/child.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    shop: { type: "string", default: "http://127.0.0.1:3000" },
    upstream: { type: "string" },
    /** The price files in the order in which they are offered. */
    files: { type: "string", default: "v1,v2,v3,v4" },
    /** For how long a shopper waits gladly, in milliseconds; empty: however long. */
    patience: { type: "string", default: "" },
  },
});

// The files of the scenario. What comes later is of people and robots, and is held to what holds for every price.
const patienceMs = values.patience === "" ? null : Number(values.patience);
const truth = await fetchTruth(values.upstream ?? "", values.files.split(","), patienceMs);
const ledger = createLedger(truth);
const faultsSeen = new Set<string>();

const crowd = createCrowd({
  shopUrl: values.shop,
  skus: [...truth.costs.keys()],
  random: Math.random,
  onAnswer(answer) {
    const fault = ledger.add(answer);
    if (fault === null || faultsSeen.has(fault)) return;
    faultsSeen.add(fault);
    tellParent({ type: "first-fault", fault, answer });
  },
});

/** `GET /tally?from=&to=`, `POST /summary` with facts, `POST /pace` with `{perSecond}`. */
const handle = handleWith(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://shoppers");
  const body = request.method === "POST" ? await readJson(request, 65_536) : undefined;
  const time = (name: string): number => Number(searchParams.get(name));
  if (pathname === "/tally") sendJson(response, 200, ledger.tally({ from: time("from"), to: time("to") }));
  else if (pathname === "/summary") sendJson(response, 200, ledger.summary(body as Facts));
  else if (pathname === "/pace") {
    crowd.pace((body as { perSecond: number }).perSecond);
    sendJson(response, 200, { skipped: crowd.skipped() });
  } else sendJson(response, 404, { reason: `no ${pathname} here` });
});

listen(handle, Number(values.port), `${truth.costs.size} articles known; the shoppers' ledger`);
