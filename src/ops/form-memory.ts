/** Which forms were chosen on which adapter and browser, as one small JSON file. */
import { isJsonObject, parseJson } from "../core/json.ts";

/** Where the file lies. Both may fail silently: then it is measured again. */
export interface ChoiceMemory {
  read(): Promise<string | null>;
  write(text: string): Promise<void>;
}

/** Of each adapter and browser the choices so far, each some forms' names. */
type Choices = Readonly<Record<string, readonly (readonly string[])[]>>;

/** Adapters and browser versions that are remembered, the last ones. */
const MOST = 16;

/** Names of the forms chosen under `key`, once for each time. */
export async function rememberedChoices(memory: ChoiceMemory | null, key: string): Promise<Choices[string]> {
  return parseChoices((await memory?.read()) ?? null)[key] ?? [];
}

/** The file's text with one choice more. */
export function withChoice(text: string | null, key: string, names: readonly string[]): string {
  const { [key]: before = [], ...others } = parseChoices(text);
  const entries = [...Object.entries(others), [key, [...before, names]] as const];
  return JSON.stringify(Object.fromEntries(entries.slice(-MOST)));
}

/** Nothing of a file that is not what it should be. */
function parseChoices(text: string | null): Choices {
  if (text === null) return {};
  try {
    const value = parseJson(text, "forms");
    if (!isJsonObject(value)) return {};
    const isNames = (names: unknown) => Array.isArray(names) && names.every((name) => typeof name === "string");
    const isChoices = (choices: unknown) => Array.isArray(choices) && choices.every(isNames);
    return Object.fromEntries(Object.entries(value).filter(([, choices]) => isChoices(choices))) as Choices;
  } catch {
    return {};
  }
}
