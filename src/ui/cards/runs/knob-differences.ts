/** The knobs in which runs differ. Pure. */
import { KNOBS, type TrainConfig } from "../../../train/config.ts";
import { knobLabel, valueWords } from "../train/knob-values.ts";

export interface KnobDifference {
  readonly name: string;
  readonly label: string;
  /** One for each run, in their order. */
  readonly values: readonly string[];
}

/** In the table's order. A run of an older page may lack a knob: its value is "–". */
export function knobDifferences(configs: readonly TrainConfig[]): KnobDifference[] {
  return KNOBS.flatMap(({ name }) => {
    const values = configs.map((config) => (config[name] === undefined ? "–" : valueWords(config[name])));
    return new Set(values).size > 1 ? [{ name, label: knobLabel(name), values }] : [];
  });
}
