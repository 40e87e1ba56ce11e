// Asks the shop for both shoppers' shelves once a second and shows what it is answered, error pages too.

const texts = {
  zh: {
    everybody: "所有人都看到同一版本",
    percentage: (percentage) => `${percentage} % 的顾客看到候选版`,
    reverted: ({ publish, reason }) => `v${publish} 已撤回${reason === null ? "" : `：${reason}`}`,
    connected: (worker) => `已连接 · ${worker}`,
    away: (worker) => `控制面离线，继续供应最后的稳定版 · ${worker}`,
    candidate: "候选版",
    control: "稳定版",
    fault: "这位顾客看到的是出错页面",
    left: (stock) => `库存 ${stock}`,
  },
  en: {
    everybody: "everybody sees the same version",
    percentage: (percentage) => `${percentage} % of shoppers see the candidate`,
    reverted: ({ publish, reason }) => `v${publish} was taken back${reason === null ? "" : `: ${reason}`}`,
    connected: (worker) => `connected · ${worker}`,
    away: (worker) => `no contact with the sidecar, serving the last good version · ${worker}`,
    candidate: "candidate",
    control: "stable",
    fault: "this shopper sees an error page",
    left: (stock) => `${stock} left`,
  },
};

const find = (selector, within = document) => within.querySelector(selector);
const newsMs = 20_000;
let language = new URLSearchParams(location.search).get("lang") ?? localStorage.getItem("language") ?? "zh";
if (!(language in texts)) language = "zh";

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text ?? "";
  return made;
}

async function ask(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" }, cache: "no-store" });
  const body = await answer.json().catch(() => null);
  return { status: answer.status, version: answer.headers.get("shop-prices"), body };
}

function showWindow(look) {
  const text = texts[language];
  const percentage = look.thousandths === null ? null : look.thousandths / 1000;
  find("#stable").textContent = look.stable === null ? "–" : `v${look.stable}`;
  find("#candidate").textContent = percentage === null || look.candidate === null ? "–" : `v${look.candidate}`;
  find("#fill").style.width = `${percentage ?? 0}%`;
  find("#percentage").textContent = percentage === null ? text.everybody : text.percentage(percentage);
  const isNews = look.reverted !== null && Date.now() - look.reverted.at < newsMs;
  find("#news").textContent = isNews ? text.reverted(look.reverted) : "";
  find("#news").classList.toggle("reverted", isNews);
  find("#status").textContent = look.connected ? text.connected(look.worker) : text.away(look.worker);
  find("#status").classList.toggle("away", !look.connected);
}

function showShopper(pane, user, answer, other) {
  const text = texts[language];
  const shelf = find(".shelf", pane);
  const isFailing = answer.status !== 200;
  const isCandidate = answer.body?.arm === "candidate" || (isFailing && pane.id === "canary");
  pane.classList.toggle("failing", isFailing);
  pane.classList.toggle("candidate", isCandidate);
  const arm = isCandidate ? text.candidate : text.control;
  find(".badge", pane).textContent = `v${answer.version ?? "?"} · ${arm} · ${user}`;
  if (isFailing) {
    const fault = element("p", "fault", "");
    fault.append(element("b", "", String(answer.status)), text.fault);
    shelf.replaceChildren(fault);
    return;
  }
  const labels = new Map((other.body?.cards ?? []).map((card) => [card.sku, card.label]));
  shelf.replaceChildren(
    ...answer.body.cards.map((card) => {
      const differs = labels.has(card.sku) && labels.get(card.sku) !== card.label;
      const item = element("a", differs ? "item differs" : "item");
      item.href = `/product/${card.sku}?${new URLSearchParams({ user, lang: language })}`;
      item.append(
        element("small", "", `${card.department} · ${card.brand}`),
        element("span", "name", card.name),
        element("span", "price", card.label),
        element("small", "", `${text.left(card.stock)} · ${card.sku}`),
      );
      return item;
    }),
  );
}

async function refresh() {
  const { body: look } = await ask("/window");
  showWindow(look);
  const skus = look.skus.join(",");
  const users = look.shoppers;
  const shelves = await Promise.all(
    users.map((user) => ask(`/shelf?${new URLSearchParams({ user, skus, lang: language })}`)),
  );
  showShopper(find("#control"), users[0], shelves[0], shelves[1]);
  showShopper(find("#canary"), users[1], shelves[1], shelves[0]);
}

function speak() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const each of document.querySelectorAll("[data-zh]")) each.textContent = each.dataset[language];
  find("#language").textContent = language === "zh" ? "EN" : "中文";
}

find("#language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem("language", language);
  speak();
});

find("#theme").addEventListener("click", () => {
  const root = document.documentElement;
  const isDark =
    root.dataset.theme === "dark" || (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = isDark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
});

const theme = localStorage.getItem("theme");
if (theme !== null) document.documentElement.dataset.theme = theme;
speak();
for (;;) {
  await refresh().catch(() => {
    find("#status").textContent = "…";
    find("#status").classList.add("away");
  });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
}
