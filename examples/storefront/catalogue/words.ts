/** Chinese and English. */
export type Pair = readonly [zh: string, en: string];

/** A kind of product with the range of its prices, in yuan. */
export type Product = readonly [zh: string, en: string, yuanFrom: number, yuanTo: number];

/** A size or make, and by how much it moves the price. */
export type Variant = readonly [zh: string, en: string, factor: number];

/** A department of the shop: every product comes from every brand, in every style and variant. */
export interface Department {
  readonly code: string;
  readonly name: Pair;
  readonly brands: readonly Pair[];
  readonly styles: readonly Pair[];
  readonly products: readonly Product[];
  readonly variants: readonly Variant[];
}

/** What the shop sells. The brands are invented. */
export const departments: readonly Department[] = [
  {
    code: "TEA",
    name: ["茶与咖啡", "Tea & coffee"],
    brands: pairs(
      "云栖 Yunxi, 山岚 Shanlan, 陆羽坊 Luyu House, 松间 Songjian, 晨焙 Morning Roast, 半坡 Banpo, 古井 Old Well",
    ),
    styles: pairs(
      "明前 First-flush, 手采 Hand-picked, 陈年 Aged, 有机 Organic, 高山 High-mountain, 礼盒 Gift-box, 特级 Premium",
    ),
    products: products(
      "龙井 Longjing 88 960, 大红袍 Da Hong Pao 98 1280, 白毫银针 Silver Needle 120 1180, 普洱熟茶 Ripe Pu'er 59 880, 茉莉花茶 Jasmine tea 39 260, 咖啡豆 Yirgacheffe beans 58 198, 云南咖啡 Yunnan coffee 48 168",
    ),
    variants: variants("50克 50 g 0.7, 100克 100 g 1, 250克 250 g 2.1, 500克 500 g 3.8"),
  },
  {
    code: "PHN",
    name: ["手机数码", "Phones & gadgets"],
    brands: pairs("星澜 Xinglan, 玄木 Xuanmu, 诺拉 Norra, 方舟 Fangzhou, 微光 Weiguang, 极昼 Polar Day, 回声 Huisheng"),
    styles: pairs("轻薄 Slim, 旗舰 Flagship, 青春版 Lite, 影像 Camera, 长续航 Long-life, 折叠 Folding, 商务 Business"),
    products: products(
      "智能手机 smartphone 1299 6999, 平板电脑 tablet 999 4999, 智能手表 smart watch 299 2499, 降噪耳机 noise-cancelling headphones 199 1999, 充电宝 power bank 69 299, 智能音箱 smart speaker 149 899, 运动相机 action camera 699 2999",
    ),
    variants: variants("曜石黑 obsidian 1, 月光白 moonlight 1, 雾蓝 mist blue 1.02, 大容量 large capacity 1.25"),
  },
  {
    code: "HOM",
    name: ["家居生活", "Home & living"],
    brands: pairs(
      "素舍 Sushe, 木语 Muyu, 归屿 Guiyu, 北窗 North Window, 棉麻记 Cotton & Linen Co., 檐下 Yanxia, 四时 Four Seasons",
    ),
    styles: pairs(
      "日式 Japanese-style, 北欧 Nordic, 原木 Solid-wood, 复古 Vintage, 极简 Minimal, 手工 Handmade, 轻奢 Elegant",
    ),
    products: products(
      "四件套 bedding set 199 1299, 羽绒被 down duvet 499 2999, 台灯 desk lamp 89 599, 收纳箱 storage box 29 159, 地毯 rug 129 1599, 香薰蜡烛 scented candle 39 239, 书架 bookshelf 199 1899, 落地镜 floor mirror 159 799",
    ),
    variants: variants("小号 small 0.8, 标准 standard 1, 大号 large 1.3, 加大 extra large 1.6"),
  },
  {
    code: "KIT",
    name: ["厨房电器", "Kitchen"],
    brands: pairs("灶火 Zaohuo, 禾煮 Hezhu, 铁记 Tieji, 德勒 Dehler, 小满 Xiaoman, 三餐 Three Meals, 米乐 Mile"),
    styles: pairs(
      "智能 Smart, 不粘 Non-stick, 便携 Portable, 专业 Professional, 迷你 Mini, 静音 Quiet, 一键 One-touch",
    ),
    products: products(
      "电饭煲 rice cooker 199 1799, 空气炸锅 air fryer 199 999, 养生壶 health kettle 99 399, 炒锅 wok 129 899, 破壁机 blender 249 1599, 刀具套装 knife set 159 1299, 保温杯 vacuum flask 59 299, 意式咖啡机 espresso machine 799 5999",
    ),
    variants: variants("一人份 for one 0.75, 三升 3 L 1, 五升 5 L 1.25, 家庭装 family size 1.5"),
  },
  {
    code: "BTY",
    name: ["美妆护肤", "Beauty"],
    brands: pairs("花见 Huajian, 沐初 Muchu, 青瓷 Celadon, 薇诺 Vinoa, 本草集 Herbarium, 凝露 Dewdrop, 素颜 Suyan"),
    styles: pairs("保湿 Hydrating, 舒缓 Soothing, 焕亮 Brightening, 修护 Repair, 清爽 Light, 紧致 Firming, 男士 Men's"),
    products: products(
      "精华液 serum 129 1280, 面霜 face cream 99 1380, 洁面乳 cleanser 49 260, 防晒霜 sunscreen 69 380, 眼霜 eye cream 129 880, 面膜 sheet masks 59 299, 身体乳 body lotion 49 320",
    ),
    variants: variants("旅行装 travel size 0.45, 30毫升 30 ml 0.8, 50毫升 50 ml 1, 100毫升 100 ml 1.7"),
  },
  {
    code: "CLO",
    name: ["服饰", "Clothing"],
    brands: pairs("棠衣 Tangyi, 北泽 Beize, 素履 Sulu, 澜川 Lanchuan, 织间 Loom & Co., 白露 White Dew, 远山 Far Hills"),
    styles: pairs("宽松 Relaxed, 修身 Slim-fit, 亚麻 Linen, 羊毛 Wool, 轻暖 Light-warm, 速干 Quick-dry, 印花 Printed"),
    products: products(
      "衬衫 shirt 99 699, 卫衣 sweatshirt 129 799, 羽绒服 down jacket 499 3299, 长裤 trousers 149 899, 连衣裙 dress 159 1599, 针织衫 knitted top 149 999, 风衣 trench coat 399 2499",
    ),
    variants: variants("S码 size S 1, M码 size M 1, L码 size L 1, XL码 size XL 1.03"),
  },
  {
    code: "SPO",
    name: ["运动户外", "Sports & outdoors"],
    brands: pairs(
      "越岭 Yueling, 迅鹿 Swift Deer, 野望 Yewang, 峰客 Peaker, 川行 Chuanxing, 赤兔 Red Hare, 晴空 Clear Sky",
    ),
    styles: pairs(
      "轻量 Ultralight, 防水 Waterproof, 专业级 Pro, 入门 Starter, 竞速 Racing, 越野 Trail, 四季 All-season",
    ),
    products: products(
      "跑鞋 running shoes 299 1599, 登山背包 hiking pack 199 1899, 帐篷 tent 299 3999, 瑜伽垫 yoga mat 59 399, 骑行头盔 cycling helmet 149 1299, 冲锋衣 shell jacket 399 2999, 羽毛球拍 badminton racket 129 1699",
    ),
    variants: variants("经典款 classic 1, 女款 women's 1, 男款 men's 1, 限量版 limited edition 1.35"),
  },
  {
    code: "BAB",
    name: ["母婴玩具", "Baby & toys"],
    brands: pairs(
      "小雀 Little Wren, 团团 Tuantuan, 豆芽 Bean Sprout, 童木 Tongmu, 暖暖 Nuannuan, 星宝 Star Baby, 鹿角 Antler",
    ),
    styles: pairs(
      "柔软 Soft, 益智 Learning, 安心 Gentle, 木制 Wooden, 成长型 Grow-with-me, 可水洗 Washable, 发声 Musical",
    ),
    products: products(
      "积木 building blocks 69 599, 婴儿推车 pram 499 3499, 摇铃 rattle 39 199, 安全座椅 car seat 699 3299, 绘本套装 picture books 59 299, 爬行垫 play mat 89 469, 毛绒玩具 plush toy 39 259",
    ),
    variants: variants("0–6月 0–6 months 0.9, 6–12月 6–12 months 1, 1–3岁 1–3 years 1.1, 3岁以上 3 years and up 1.2"),
  },
  {
    code: "FOO",
    name: ["食品生鲜", "Food"],
    brands: pairs(
      "田小味 Tian Xiaowei, 一方食 Yifang, 海岬 Haijia, 麦香里 Maixiangli, 果然鲜 Fresh Indeed, 灶台记 Hearth, 山野集 Wild Hills",
    ),
    styles: pairs(
      "原味 Original, 精选 Select, 农家 Farmhouse, 低糖 Low-sugar, 当季 Seasonal, 有机 Organic, 年货 New Year",
    ),
    products: products(
      "坚果礼盒 nut gift box 59 399, 五常大米 Wuchang rice 39 259, 三文鱼 salmon 79 459, 橄榄油 olive oil 59 329, 车厘子 cherries 69 499, 蜂蜜 honey 39 239, 火锅底料 hotpot base 29 129, 黑巧克力 dark chocolate 39 239",
    ),
    variants: variants("单份 single 0.6, 一公斤 1 kg 1, 两公斤 2 kg 1.9, 五公斤 5 kg 4.4"),
  },
  {
    code: "BOK",
    name: ["图书文具", "Books & stationery"],
    brands: pairs(
      "纸上 On Paper, 墨池 Mochi, 拾页 Shiye, 青灯书局 Green Lamp Press, 格物 Gewu, 雨窗 Rain Window, 方寸 Fangcun",
    ),
    styles: pairs(
      "典藏 Collector's, 布面 Clothbound, 口袋 Pocket, 插图 Illustrated, 学生 Student, 烫金 Gilt, 手账 Journal",
    ),
    products: products(
      "钢笔 fountain pen 49 899, 笔记本 notebook 29 129, 唐诗选 Tang poems 39 198, 世界地图集 world atlas 69 398, 水彩颜料 watercolours 59 499, 书法套装 calligraphy set 79 599",
    ),
    variants: variants("单件 single 1, 两件装 set of two 1.85, 套装 boxed set 2.8, 签名版 signed 1.6"),
  },
  {
    code: "PET",
    name: ["宠物用品", "Pets"],
    brands: pairs(
      "毛球社 Furball Club, 喵町 Miao Street, 旺得 Wangde, 尾巴 Tail & Co., 阿福 Afu, 汪星 Planet Woof, 鱼干 Dried Fish",
    ),
    styles: pairs(
      "轻便 Lightweight, 加厚 Padded, 耐咬 Chew-proof, 静音 Quiet, 四季 All-season, 可拆洗 Washable, 豪华 Deluxe",
    ),
    products: products(
      "猫砂盆 litter box 49 459, 航空箱 travel crate 99 599, 猫爬架 cat tree 129 999, 自动喂食器 automatic feeder 159 699, 宠物窝 pet bed 59 399, 牵引绳 lead 29 169",
    ),
    variants: variants("小型 small 0.8, 中型 medium 1, 大型 large 1.35, 多只装 multi-pack 1.9"),
  },
];

/** `茶 Tea, 花 Flower`: Chinese up to the first space, English after it. */
function pairs(text: string): Pair[] {
  return text.split(", ").map((entry) => {
    const space = entry.indexOf(" ");
    return [entry.slice(0, space), entry.slice(space + 1)];
  });
}

/** Pairs followed by the lowest and the highest price. */
function products(text: string): Product[] {
  return pairs(text).map(([zh, rest]) => {
    const words = rest.split(" ");
    return [zh, words.slice(0, -2).join(" "), Number(words.at(-2)), Number(words.at(-1))];
  });
}

/** Pairs followed by the factor. */
function variants(text: string): Variant[] {
  return pairs(text).map(([zh, rest]) => {
    const words = rest.split(" ");
    return [zh, words.slice(0, -1).join(" "), Number(words.at(-1))];
  });
}
