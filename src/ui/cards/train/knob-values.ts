/** The knobs of the one table as fields: names in words, shown values, what "auto" comes to, what a change sets. Pure. */
import { formatSetting } from "../../../core/units.ts";
import { KNOBS, type Knob, type KnobName, type TrainConfig, warmupCount } from "../../../train/config.ts";
import { checkValue, describeDefault } from "../../../train/setting.ts";
import type { MemoryPlan } from "../../../worker/protocol.ts";

export type Knobs = Readonly<Partial<Record<KnobName, unknown>>>;
export type NamedKnob = Knob & { readonly name: KnobName };

const WORDS: Readonly<Record<string, string>> = {
  lr: "learning rate",
  grad: "gradient",
  val: "validation",
  eval: "validation",
  seq: "sequence",
  num: "number of",
  eps: "epsilon",
};

/** maxGradNorm → "Max gradient norm". */
export function knobLabel(name: string): string {
  const words = name
    .replace(/([A-Z]|\d+)/g, " $1")
    .toLowerCase()
    .split(" ");
  const text = words.map((word) => WORDS[word] ?? word).join(" ");
  return text[0]!.toUpperCase() + text.slice(1);
}

/** The table by its groups, in its order. */
export function knobGroups(): { readonly title: string; readonly knobs: readonly NamedKnob[] }[] {
  const groups = new Map<string, NamedKnob[]>();
  for (const knob of KNOBS) groups.set(knob.group, [...(groups.get(knob.group) ?? []), knob]);
  return [...groups].map(([title, knobs]) => ({ title, knobs }));
}

/** The value a field shows: as chosen, also when it is wrong. Of steps and epochs, the one not chosen is "auto". */
export function shownValue(knob: NamedKnob, knobs: Knobs): unknown {
  const given = knobs[knob.name];
  if (given !== undefined) return given;
  if (knob.name === "epochs" && typeof knobs.steps === "number") return "auto";
  return knob.default;
}

/** Another value than the default. */
export function isChanged(knob: NamedKnob, knobs: Knobs): boolean {
  return knobs[knob.name] !== undefined && JSON.stringify(knobs[knob.name]) !== JSON.stringify(knob.default);
}

/** What is wrong with the shown value, as "expected …, got …". */
export function knobProblem(knob: NamedKnob, knobs: Knobs): string | undefined {
  return checkValue(knob, shownValue(knob, knobs));
}

/** The number that "auto" comes to in this plan, or null while nobody knows. */
export function autoValue(name: KnobName, config: TrainConfig | null, plan: MemoryPlan | null): number | null {
  if (!config || !plan || plan.updates === 0) return null; // no records yet
  if (name === "steps") return plan.updates;
  if (name === "epochs") return rounded(plan.updates / plan.updatesPerEpoch);
  return name === "warmup" ? warmupCount(config, plan.updates) : null;
}

const rounded = (value: number): number => Number(value.toPrecision(2));

/** What switching "auto" on or off sets: exactly one of steps and epochs is a number, so one's "auto" is the other's number. */
export function autoChange(name: KnobName, auto: boolean, resolved: number | null): { name: KnobName; value: unknown } {
  if (!auto) return { name, value: resolved ?? 1 };
  if (name === "steps") return { name: "epochs", value: 1 };
  if (name === "epochs") return { name: "steps", value: resolved ?? 20 };
  return { name, value: undefined };
}

/** "Learning rate 3e-3, Rank 16": what differs from the defaults, in the table's order. */
export function changedKnobs(knobs: Knobs): { readonly label: string; readonly value: string }[] {
  return knobGroups()
    .flatMap((group) => group.knobs)
    .filter((knob) => isChanged(knob, knobs))
    .map(({ name }) => ({ label: knobLabel(name), value: valueWords(knobs[name]) }));
}

/** A value in words: true → "on", lists with commas. */
export function valueWords(value: unknown): string {
  if (typeof value === "boolean") return value ? "on" : "off";
  if (typeof value === "number") return formatSetting(value);
  return Array.isArray(value) ? value.join(", ") : String(value);
}

/** "Default: auto, 5 % of the run …". */
export function defaultWords(knob: Knob): string {
  return typeof knob.default === "boolean" ? valueWords(knob.default) : describeDefault(knob);
}
