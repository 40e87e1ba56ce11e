import { html } from "hono/html";
import type { Card } from "./app.ts";
import type { Language } from "./money.ts";

/** What Hono's `c.html` takes. */
type Page = ReturnType<typeof html>;

/** The page of one article, with a button that buys it. */
export function productPage(card: Card & { readonly coupon: string | null }, language: Language, user: string): Page {
  const action = `/checkout?${new URLSearchParams({ user, sku: card.sku, lang: language }).toString()}`;
  const buy = { zh: "立即购买", en: "Buy now" }[language];
  const left = { zh: `库存 ${card.stock} 件`, en: `${card.stock} in stock` }[language];
  return page(
    card.name,
    language,
    html`<p class="muted">${card.department} · ${card.brand}</p>
      <h1>${card.name}</h1>
      <p class="price">${card.label}</p>
      ${card.coupon === null ? "" : html`<p>${{ zh: "优惠券", en: "Coupon" }[language]} ${card.coupon}</p>`}
      <p class="muted">${left} · ${card.sku} · v${card.version}</p>
      <form method="post" action="${action}"><button>${buy}</button></form>`,
  );
}

/** The page that says thanks. */
export function receiptPage(card: Card, payment: string, language: Language): Page {
  const thanks = { zh: "付款成功，谢谢", en: "Paid, thank you" }[language];
  return page(
    thanks,
    language,
    html`<h1>${thanks}</h1>
      <p>${card.name}</p>
      <p class="price">${card.label}</p>
      <p class="muted">${payment}</p>`,
  );
}

/** The page of a request that went wrong. */
export function errorPage(text: string, language: Language): Page {
  return page(text, language, html`<h1 class="broken">${text}</h1>`);
}

function page(title: string, language: Language, body: Page): Page {
  const lang = { zh: "zh-CN", en: "en" }[language];
  return html`<!doctype html>
    <html lang="${lang}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <link rel="stylesheet" href="/shop.css" />
      </head>
      <body>
        <main class="single card">${body}</main>
      </body>
    </html>`;
}
