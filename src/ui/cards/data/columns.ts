/** What columns can mean, in words, and the mapping as it is edited. Pure. */
import type { ColumnMapping } from "../../../worker/protocol.ts";

export type ColumnRole = ColumnMapping[string];

const ROLES: Readonly<Record<ColumnRole, string>> = {
  prompt: "Prompt: what is asked",
  completion: "Answer: what is learned",
  system: "System: how to behave",
  text: "Text: all of it is learned",
  messages: "Messages: a whole conversation",
  ignore: "Not used",
};

export const ROLE_OPTIONS: readonly { readonly value: ColumnRole; readonly label: string }[] = (
  Object.keys(ROLES) as ColumnRole[]
).map((value) => ({ value, label: ROLES[value] }));

/** What the selects show: as mapped by hand, else the guess; a column nobody named is not used. */
export function shownMapping(
  columns: readonly { readonly name: string }[],
  mapping: ColumnMapping | null,
  proposal: ColumnMapping | null,
): ColumnMapping {
  const source = mapping ?? proposal ?? {};
  return Object.fromEntries(columns.map(({ name }) => [name, Object.hasOwn(source, name) ? source[name]! : "ignore"]));
}

/** "question as prompt, reply as answer" */
export function mappingWords(mapping: ColumnMapping): string {
  const short: Readonly<Record<ColumnRole, string>> = {
    ...{ prompt: "prompt", completion: "answer", system: "system", text: "text", messages: "messages", ignore: "" },
  };
  const used = Object.entries(mapping).filter(([, role]) => role !== "ignore");
  return used.map(([name, role]) => `${name} as ${short[role]}`).join(", ");
}
