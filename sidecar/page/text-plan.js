/**
 * Texts about plans that wait, guards that are off, and what a person does about it: English, Chinese, as in `text.js`.
 * @satisfies {Readonly<Record<string, readonly [en: string, zh: string]>>}
 */
export const planTexts = {
  // A guard that is off.
  guardOffChip: ["guard off", "守护已关闭"],
  guardOffTitle: ["THE GUARD IS OFF", "守护已关闭"],
  guardOffLine: [
    "for {left} more, until {at}. Turned off {since} by {who}: {reason}",
    "还剩 {left}，到 {at} 为止。{since}由 {who} 关闭：{reason}",
  ],
  guardOffMeans: [
    "Failures revert and hold nothing meanwhile, and the plan waits. People, alerts and queries still revert. It ends by itself.",
    "在此期间，失败不会触发回滚或暂停，计划也停住；人工、告警和查询仍会回滚。到时自动恢复。",
  ],
  guardOffStrip: ["GUARD OFF", "守护已关闭"],
  guardOffEach: ["{dataset} for {left} more", "{dataset} 还剩 {left}"],
  spokenGuardOff: [
    "The guard of {dataset} was turned off by {who}: {reason}",
    "{dataset} 的守护已被 {who} 关闭：{reason}",
  ],
  spokenGuardOn: ["The guard of {dataset} is on again.", "{dataset} 的守护已恢复。"],

  guardVanished: ["vanished processes", "进程消失"],
  guardRefused: ["refused by an application", "应用拒绝"],

  // What a person does besides reverting.
  steerHold: ["Hold…", "暂停…"],
  steerResume: ["Let it go on…", "放行…"],
  steerGuardOff: ["Turn the guard off…", "关闭守护…"],
  steerGuardOn: ["Turn the guard on…", "恢复守护…"],
  steerName: ["{action} ({dataset})", "{action}（{dataset}）"],
  holdTitle: ["Stop the plan of {version} of {dataset} at {share}?", "让 {dataset} 的 {version} 停在 {share}？"],
  holdText: [
    "It stays where it is until somebody lets it go on. The guard and alerts still revert it.",
    "停在当前比例，直到有人放行。守护和告警仍会回滚。",
  ],
  holdGo: ["Hold it", "暂停"],
  resumeTitle: ["Let the plan of {version} of {dataset} go on?", "让 {dataset} 的 {version} 继续按计划进行？"],
  resumeText: [
    "It goes to the next higher step when the time of this one, which begins anew, is over.",
    "本阶段重新计时，结束后进入下一个更高的比例。",
  ],
  resumeStepText: [
    "It takes its next step now, without waiting for the promotion test any longer.",
    "立即进入下一步，不再等待晋级检验。",
  ],
  resumeGo: ["Let it go on", "放行"],
  guardOffAsk: ["Turn the guard of {version} of {dataset} off?", "关闭 {dataset} 的 {version} 的守护？"],
  guardOffGo: ["Turn it off", "关闭守护"],
  guardOnAsk: ["Let the guard of {version} of {dataset} act again?", "恢复 {dataset} 的 {version} 的守护？"],
  guardOnText: [
    "It has gone on counting, and acts at once on what it has seen.",
    "守护一直在统计，恢复后会立即按已有的证据行动。",
  ],
  guardOnGo: ["Turn it on", "恢复守护"],
  steerReason: ["Reason", "原因"],
  steerFor: ["For how long", "时长"],
  steerSending: ["Sending…", "正在发送…"],
  steerFailed: ["This was not accepted", "操作未被接受"],
  steerUnanswered: [
    "No answer from the instance; it may or may not have been done. Try again, it happens once.",
    "实例没有应答，操作可能已执行，也可能没有。请重试，只会执行一次。",
  ],
  steerInstead: ["Or in a terminal:", "也可以在终端执行："],
  steerDone: ["Done.", "已执行。"],

  // What a plan waits for.
  promotion: ["Promotion", "晋级检验"],
  promotionOpen: ["open", "已通过"],
  promotionWaits: ["not yet", "未通过"],
  promotionClosed: ["not while it looks worse", "候选组变差，暂不通过"],
  promotionAt: ["{evidence}, opens at {threshold}", "{evidence}，达到 {threshold} 时通过"],
  promotionNeeds: [
    "about {n} more request of the candidate | about {n} more requests of the candidate",
    "候选组大约还需 {n} 次请求",
  ],
  promotionNever: ["not at these failure rates", "按目前的失败率无法通过"],
  promotionBound: [
    "rules out that it fails {ratio} times as often as the control, + {extra}",
    "用于排除：候选组失败率达到对照组的 {ratio} 倍再加 {extra}",
  ],
  nextDue: ["{percentage} as soon as the promotion test opens", "晋级检验一通过就放量到 {percentage}"],
  nextDueBake: [
    "everybody, then bake, as soon as the promotion test opens",
    "晋级检验一通过就对所有人生效并进入观察期",
  ],
  nextGuard: ["nothing while the guard is off", "守护关闭期间不会前进"],
  waitsOpen: ["The promotion test is open.", "晋级检验已通过。"],
  waitsHold: [
    "Waits for the promotion test ({needs}) until {at}, then holds.",
    "等待晋级检验（{needs}），最晚到 {at}，之后暂停。",
  ],
  waitsProceed: [
    "Waits for the promotion test ({needs}) until {at}, then goes on without it.",
    "等待晋级检验（{needs}），最晚到 {at}，之后直接继续。",
  ],
  holdEndsPlan: ["Ends by itself when the promotion test opens.", "晋级检验通过后自动放行。"],
  holdEndsGuard: ["Ends by itself when the evidence fades.", "证据消退后自动放行。"],
  holdEndsAlert: ["Ends by itself when that is resolved.", "该告警解除后自动放行。"],
  trace: ["Evidence since {since}", "自 {since} 起的证据"],
  traceAgainst: ["against it", "不利"],
  traceFor: ["for the next step", "有利于下一步"],
  traceSpoken: [
    "Evidence over time: against it now {against}, reverts at {threshold}; for the next step now {inFavour}",
    "证据随时间变化：不利证据 {against}，达到 {threshold} 时回滚；有利于下一步的证据 {inFavour}",
  ],
  queries: ["Queries", "查询"],
  queryQuiet: ["quiet", "未触发"],
  queryPending: ["fires, not long enough yet", "已触发，时长未到"],
  queryFiring: ["firing", "触发中"],
  queryUnanswered: ["unanswered", "无应答"],
  queryReverts: ["reverts", "回滚"],
  queryHolds: ["holds", "暂停"],
  queryLine: ["{name}: {state} for {span} ({action})", "{name}：{state}，已持续 {span}（{action}）"],
  queryMessage: ["{query}: {message}", "{query}：{message}"],

  // What came back, and what one host does not show.
  restored: ["Brought back", "已恢复"],
  restoredLine: [
    "{version} is {restored} again, {mode} · {since} · by {who}",
    "{version} 恢复了 {restored} 的内容，{mode} · {since} · {who}",
  ],
  restoredExact: ["exactly as it was", "与当时完全一致"],
  restoredReapply: ["with the patches since", "并保留之后的增量更新"],
  restoredDropped: ["Left out: {changes}, to {keys}", "未保留：{changes}，涉及 {keys}"],
  restoredChanges: ["{n} change since | {n} changes since", "之后的 {n} 次变更"],
  restoredKeys: ["{n} key | {n} keys", "{n} 个键"],
  restoredTaken: [
    "Taken up by {confirmed} of {expected} in {last} (p99 {p99})",
    "{expected} 个节点中 {confirmed} 个已生效，用时 {last}（p99 {p99}）",
  ],
  restoredGoing: ["Taken up by {confirmed} of {expected} so far", "{expected} 个节点中目前 {confirmed} 个已生效"],
  here: ["One host", "本机回滚"],
  hereLine: [
    "{host} does not show {version} · {since} · by {who}: {reason}",
    "{host} 不显示 {version} · {since} · {who}：{reason}",
  ],
  hereFollowers: [
    "{n} follower heeds it; the release goes on everywhere else | {n} followers heed it; the release goes on everywhere else",
    "{n} 个节点照此执行；其他地方的发布继续进行",
  ],
  hereLift: ["Lift it on that host", "在该主机上解除"],
};
