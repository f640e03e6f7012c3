/** What was looked at before the first update, as the page shows it: problems first, fixes that are settings as buttons. Pure. */
import { formatSetting } from "../../../core/units.ts";
import type { Finding, Level } from "../../../health/finding.ts";
import { judgeStepSize, suitableRate } from "../../../health/step-size.ts";
import type { KnobName, TrainConfig } from "../../../train/config.ts";
import type { AppState } from "../../state/app-state.ts";
import { knobLabel } from "./knob-values.ts";
import { lowerFirst } from "./summary.ts";

export interface KnobFix {
  readonly label: string;
  readonly knob: KnobName;
  readonly value: unknown;
}

const GRAVITY: readonly Level[] = ["bad", "warn", "note", "good"];

/** Good ones apart; the others gravest first. */
export function sortFindings(findings: readonly Finding[]): { good: readonly Finding[]; others: readonly Finding[] } {
  const others = findings.filter(({ level }) => level !== "good");
  return {
    good: findings.filter(({ level }) => level === "good"),
    others: others.toSorted((a, b) => GRAVITY.indexOf(a.level) - GRAVITY.indexOf(b.level)),
  };
}

/** The one thing that can be judged before a run is asked for: the learning rate against the model's size. */
export function stepSizeFinding({ config, model }: Pick<AppState, "config" | "model">): Finding | null {
  if (!config || !model.facts) return null;
  return judgeStepSize({ ...stepOf(config), parameters: model.facts.parameters });
}

const stepOf = ({ learningRate, alpha, rank, useRslora }: TrainConfig) => ({ learningRate, alpha, rank, useRslora });

/** The change of a setting that a finding's fix comes to; null where it is something else. */
export function knobFix(finding: Finding, config: TrainConfig | null, parameters: number | null): KnobFix | null {
  if (!config || !finding.fix) return null;
  if (finding.id === "step-size" && parameters !== null) {
    const value = suitableRate({ ...stepOf(config), parameters });
    if (value === config.learningRate) return null;
    return { label: `Set the learning rate to ${formatSetting(value)}`, knob: "learningRate", value };
  }
  // The memory's fix names the same setting, the other way.
  if (finding.id === "ends" && finding.fix.startsWith("Raise --max-seq-length")) {
    const value = 2 * config.maxSeqLength;
    return { label: `Allow records of ${formatSetting(value)} tokens`, knob: "maxSeqLength", value };
  }
  return null;
}

/** The command line's options by the names of the settings: "--max-seq-length" → "“max sequence length”". */
export const fixWords = (fix: string): string =>
  fix.replace(/--([a-z]+(?:-[a-z]+)*)/g, (_, option: string) => {
    const name = option.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    return `“${lowerFirst(knobLabel(name))}”`;
  });

/** "6 of 7 as they should be" */
export function findingsSummary(findings: readonly Finding[]): string {
  const { good, others } = sortFindings(findings);
  if (others.length === 0) return `all ${good.length} as they should be`;
  return `${good.length} of ${findings.length} as they should be`;
}
