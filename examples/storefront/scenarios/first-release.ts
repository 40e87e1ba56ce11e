import { storySetting } from "../stage/setting.ts";
import { tellStory } from "../stage/story.ts";
import type { Scenario } from "./scenario.ts";

/** The story of four price files. */
export const firstRelease: Scenario = {
  name: "first-release",
  about:
    "Four price files: a good one reaches everybody, one is refused by the checks, one breaks pages and is taken back at 5 %.",
  withoutGuard: "the guard cannot act, and the broken file goes on to everybody",
  programs: [],
  setting: storySetting,
  tell: ({ stage, timeline }) => tellStory(stage, timeline),
};
