/** Which forms were chosen on which adapter and browser, as one small JSON file. */
import { isJsonObject, parseJson } from "../core/json.ts";

/** Where the file lies. Both may fail silently: then it is measured again. */
export interface ChoiceMemory {
  read(): Promise<string | null>;
  write(text: string): Promise<void>;
}

type Choices = Readonly<Record<string, readonly string[]>>;

/** Adapters and browser versions that are remembered, the last ones. */
const MOST = 16;

/** Names of the forms chosen under `key`, or null. */
export async function rememberedChoice(memory: ChoiceMemory | null, key: string): Promise<readonly string[] | null> {
  return parseChoices((await memory?.read()) ?? null)[key] ?? null;
}

/** The file's text with this choice added. */
export function withChoice(text: string | null, key: string, names: readonly string[]): string {
  const { [key]: _, ...others } = parseChoices(text);
  const entries = [...Object.entries(others), [key, names] as const];
  return JSON.stringify(Object.fromEntries(entries.slice(-MOST)));
}

/** Nothing of a file that is not what it should be. */
function parseChoices(text: string | null): Choices {
  if (text === null) return {};
  try {
    const value = parseJson(text, "forms");
    const isNames = (names: unknown) => Array.isArray(names) && names.every((name) => typeof name === "string");
    return isJsonObject(value)
      ? (Object.fromEntries(Object.entries(value).filter(([, names]) => isNames(names))) as Choices)
      : {};
  } catch {
    return {};
  }
}
