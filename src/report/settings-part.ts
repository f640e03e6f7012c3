/** Every knob of the run, those that were changed first; what "auto" came to stands beside it. */
import { formatSetting } from "../core/units.ts";
import { flagOf, KNOBS, type Knob, type TrainConfig } from "../train/config.ts";
import { recomputedWords } from "../train/memory-parts.ts";
import { describeDefault, type Value } from "../train/setting.ts";
import { html, type Part } from "./html.ts";
import type { ReportInput } from "./input.ts";
import { type Section, table } from "./layout.ts";
import { counted } from "./words.ts";

export function settingsPart(input: ReportInput): Section {
  const { config } = input;
  const changed = KNOBS.filter((knob) => isChanged(knob, config));
  const others = KNOBS.filter((knob) => !changed.includes(knob));
  const row = (knob: Knob): Part[] => [
    html`<code>${flagOf(knob.name)}</code><br><span class="note">${knob.meaning}</span>`,
    [valueText(knob, input), isChanged(knob, config) && html` <span class="badge">changed</span>`],
    typeof knob.default === "number" ? formatSetting(knob.default) : describeDefault(knob),
  ];
  return {
    id: "settings",
    title: "Settings",
    body: html`<p>${changed.length === 0 ? "All settings are the defaults." : `${counted(changed.length, "setting")} changed from the default; ${changed.length === 1 ? "it stands" : "they stand"} first.`}</p>
${table({ caption: "Settings of the run", columns: ["Setting", "Value", "Default"], rows: [...changed, ...others].map(row), look: "settings" })}`,
  };
}

/**
 * "auto" in place of a number is how steps and epochs make room for each other; a knob that an older run did not have was
 * not changed in it.
 */
function isChanged({ name, default: usual }: Knob, config: TrainConfig): boolean {
  const value = knobValue(name, config);
  return value !== undefined && value !== "auto" && JSON.stringify(value) !== JSON.stringify(usual);
}

/** The table of knobs is the type of the config. */
const knobValue = (name: string, config: TrainConfig): Value | undefined =>
  (config as Readonly<Record<string, Value | undefined>>)[name];

function valueText({ name, unit }: Knob, { config, start }: ReportInput): string {
  const value = knobValue(name, config);
  if (Array.isArray(value)) return value.join(", ");
  if (value === "auto") return `auto${cameTo(name, start)}`;
  if (typeof value !== "number") return String(value ?? "not known");
  const text = Number.isInteger(value) ? String(value) : formatSetting(value);
  if (!unit || value < 0) return text;
  return `${text} ${value === 1 ? unit.replace(/(?<=ch)es$|s$/, "") : unit}`;
}

function cameTo(name: string, start: ReportInput["start"]): string {
  if (!start) return "";
  if (name === "steps") return `: ${counted(start.totalSteps, "update")}`;
  if (name === "epochs") return `: ${Number((start.totalSteps / start.updatesPerEpoch).toFixed(2))}`;
  if (name === "warmup") return `: ${counted(start.warmup, "update")}`;
  if (name === "checkpointing" && start.blocks) return `: ${recomputedWords(start.blocks) || "off"}`;
  return "";
}
