// What only the pole's page says, in English and Chinese. tests/repo holds that both are there, with
// the same {places}, and that each is used. What tells of a fault ends in what to do about it.
// `group_name` is said by word(): names that the pole may add are said as they are.

import { SHARED_TEXTS } from "./shared_texts.js";

export const TEXTS = {
  ...SHARED_TEXTS,

  // The frame of the page
  alerts: ["Alerts", "告警"],
  cameras: ["Cameras", "摄像机"],
  health: ["Health", "状态"],
  lost: [
    "No connection to the pole since {time}. What you see is from then. Trying again; if this lasts, check your network and the pole's power.",
    "自 {time} 起与站点失去连接，页面内容停留在该时刻。正在重试；若持续如此，请检查网络和站点供电。",
  ],

  // Signing in
  sign_in_how: [
    "Paste the token that you were given. Who runs the pole makes one with: polewatch token new NAME --scope read --scope pictures --scope ack",
    "请粘贴发给您的令牌。站点管理员可用以下命令生成：polewatch token new NAME --scope read --scope pictures --scope ack",
  ],
  no_answer: ["The pole does not answer. Check your network, then try again.", "站点无应答。请检查网络后重试。"],
  wrong_token: [
    "The pole does not know this token. Paste it whole, or ask for a new one.",
    "站点不认识此令牌。请完整粘贴，或申请新的令牌。",
  ],
  refused: ["The pole refused: {detail}", "站点拒绝：{detail}"],

  // Alerts
  open_alerts: ["Open alerts, worst first", "未结告警（最严重者在前）"],
  no_alerts: [
    "No open alerts. New ones appear here by themselves.",
    "没有未结告警。新告警会自动显示在此处。",
  ],
  earlier: ["Earlier alerts, worst first", "已结告警（最严重者在前）"],
  none_earlier: ["None yet: what is over and resolved comes here.", "暂无。已结束并处置的告警会列在此处。"],
  earlier_failed: [
    "The pole did not give them. Close this list and open it again.",
    "站点未返回结果。请收起此列表后重新打开。",
  ],
  news_one: ["New alert: {severity}, {rule}, {camera}", "新告警：{severity}，{rule}，{camera}"],
  news_many: ["{n} new alerts", "{n} 条新告警"],
  going_on: ["Going on.", "进行中。"],
  ended: ["Ended {age}.", "{age}结束。"],
  acked: ["Acknowledged by {by}, {age}.", "{by} 已于{age}确认。"],
  late: ["Late: came here {time}", "迟到：{time} 才收到"],
  not_kept: ["In memory only: the disk takes nothing", "仅在内存中：磁盘无法写入"],
  clock_unsure: ["Pole's clock unsure", "站点时钟不可靠"],
  details: ["Details", "详情"],
  acknowledge: ["Acknowledge", "确认"],
  resolve: ["Resolve…", "处置…"],
  resolve_again: ["Resolve again…", "重新处置…"],
  note: ["Note (optional)", "备注（可不填）"],
  not_sent: [
    "Not known whether it arrived: the pole did not answer. Look at the alert once the connection is back.",
    "站点无应答，不确定是否送达。连接恢复后请查看该告警。",
  ],

  // Snapshots and clips
  play: ["▶ Play clip", "▶ 播放录像"],
  no_clip_yet: ["No clip yet", "录像未就绪"],
  none_made: ["No picture was made", "没有图像"],
  no_pictures_yet: ["No picture yet", "图像未就绪"],

  // Cameras
  no_cameras: [
    "No camera is configured, or none that your token may see. Add [[camera]] to the pole's configuration.",
    "未配置摄像机，或您的令牌无权查看。请在站点配置中添加 [[camera]]。",
  ],
  no_pictures: [
    "Your token does not allow pictures. Ask for one with the scope “pictures”.",
    "您的令牌无权查看图像。请申请带有“pictures”权限的令牌。",
  ],
  picture_of: ["Picture of camera {camera}", "摄像机 {camera} 的画面"],
  larger: ["Larger", "放大"],
  smaller: ["Smaller", "缩小"],
  still: ["Still, {age}. Open for live.", "静态画面，{age}。点开看实时。"],
  since: ["Since {time}.", "自 {time} 起。"],
  fps: ["{n} fps", "每秒 {n} 帧"],
  gop: ["GOP {n} s", "关键帧间隔 {n} 秒"],
  not_watched: ["not analysed: live and clips only", "不分析：仅实时和录像"],

  // Health
  all_well: ["All is well.", "一切正常。"],
  not_well: ["{n} part(s) need attention.", "{n} 项需要处理。"],
  well: ["well", "正常"],
  wrong: ["wrong", "异常"],
  part_camera_named: ["Camera {name}", "摄像机 {name}"],
  part_disk: ["Disk and records", "磁盘与记录"],
  part_alerts: ["Hand-over of alerts", "告警上送"],
  part_access: ["Tokens", "令牌文件"],
  part_clock: ["Clock", "时钟"],
  well_disk: ["Records are written.", "记录写入正常。"],
  well_access: ["Changes to tokens count at once.", "令牌更改即时生效。"],
  oldest_unacked: [
    "The station has not taken over every alert yet; the oldest: {age}.",
    "最早一条尚未被接收站取走的告警：{age}。",
  ],
  none_unacked: ["The station has taken over every alert.", "接收站已取走全部告警。"],
  do_disk: [
    "Records can't be written: make room, or change the disk.",
    "无法写入记录：请清理空间或更换磁盘。",
  ],
  do_alerts: ["Restart the pole; if it stays so, change the disk.", "请重启站点；若仍如此，请更换磁盘。"],
  do_access: [
    "Tokens were changed and can't be read; the last good ones count. Read the reason.",
    "令牌文件已改动但无法读取，仍以上次有效的为准。请查看原因。",
  ],
  do_starting: ["Wait half a minute for its first picture.", "请等待半分钟，首个画面尚未到达。"],
  do_lost: [
    "No pictures come: check the camera's power, its cable and its login.",
    "没有画面：请检查摄像机供电、网线和登录账号。",
  ],
  do_frozen: ["The picture stands still: restart the camera.", "画面静止：请重启摄像机。"],
  do_blocked: ["Something covers the lens: look at it.", "镜头被遮挡：请查看。"],
  do_defocused: ["The picture is blurred: clean or focus the lens.", "画面模糊：请清洁镜头或重新对焦。"],
  do_moved: ["The camera was turned: put it back.", "摄像机被移动：请复位。"],
  do_silent: [
    "Its eye says nothing; it is restarted. Call for help if this comes again.",
    "分析进程无响应，正在重启。若再次出现，请联系维护人员。",
  ],
  do_down: [
    "Its eye does not run; it is started again. Read the reason.",
    "分析进程未运行，正在重新启动。请查看原因。",
  ],
  do_refused: [
    "The configuration asks for what this version can't do: change it.",
    "配置要求了本版本不支持的功能：请修改配置。",
  ],
};
