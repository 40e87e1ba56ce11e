// A fake origin with a page to look at: `npm run page`, then open the address that it prints. Everything moves by itself; a
// revert is confirmed by 412 followers in half a second.
import { startFakeOrigin } from "./fake-origin.ts";
import { evidence, followers, midnight, receipt, reverted, running, situations, status } from "./situations.ts";

const origin = await startFakeOrigin({ port: Number(process.env["PORT"] ?? 7071) });
process.stdout.write(`${origin.url}\n`);

const startedAt = Date.now();
/** The instance's clock: midnight of the sale was when this started. */
const now = (): number => midnight + Date.now() - startedAt;
let revertedAt: number | null = null;
let candidateRequests = 0;
let candidateFailures = 0;
let controlRequests = 0;
let controlFailures = 0;

function receiptNow(): ReturnType<typeof receipt> {
  const elapsedMs = now() - (revertedAt ?? now());
  const confirmed = Math.min(412, Math.floor((elapsedMs / 500) ** 2 * 412));
  return receipt({
    confirmed,
    lastMs: confirmed === 0 ? null : Math.min(elapsedMs, 500),
    announcedAt: revertedAt ?? 0,
  });
}

origin.answerReverts(({ dataset }) => {
  revertedAt = dataset === "prices" ? now() : revertedAt;
  return { outcome: "done", message: "done", sequence: 512, release: `${dataset}-43`, receipt: receiptNow() };
});
origin.answerReceipts(receiptNow);

setInterval(() => {
  const bad = Math.floor((Date.now() - startedAt) / 20_000) % 3 === 2;
  candidateRequests += 13;
  controlRequests += 247;
  if (Math.random() < (bad ? 0.9 : 0.1)) candidateFailures += bad ? 2 : 1;
  if (Math.random() < 0.3) controlFailures += 1;
  const at = now();
  const seen = evidence({ candidateRequests, candidateFailures, controlRequests, controlFailures });
  const moving = running("prices", { evidence: seen });
  const prices = revertedAt === null ? moving : reverted("prices", { at: revertedAt, receipt: receiptNow() });
  const datasets = situations().map((dataset) => (dataset.name === "prices" ? prices : dataset));
  origin.show(status(datasets, { at, followers: followers(412) }));
}, 250);
