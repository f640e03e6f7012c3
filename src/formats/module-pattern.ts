/** A number for the modules that a pattern names, written "down_proj=4"; in full a regular expression as PEFT has it. */
import { type NamePattern, namePattern } from "./name-pattern.ts";

export interface ModulePattern {
  readonly source: string;
  readonly pattern: NamePattern;
  readonly value: number;
}

/** null for what is not written so: name or pattern, "=", a number above 0. */
export function parsePattern(text: string): ModulePattern | null {
  const [, source = "", number = ""] = /^(\S+)=(\d+(?:\.\d+)?(?:e[-+]?\d+)?)$/i.exec(text) ?? [];
  const pattern = source === "" ? null : namePattern(source);
  const value = Number(number);
  return pattern && value > 0 && Number.isFinite(value) ? { source, pattern, value } : null;
}
