/**
 * `--config FILE.yaml` as mlx-lm writes it (its adapter_config.json reads too), turned into knobs.
 * Here: text to options with their lines, safely. What the options mean: mlx-options.ts.
 */

import { isMap, isScalar, LineCounter, parseDocument } from "yaml";
import { configError, Problems } from "../core/errors.ts";
import { overrideConfig, type TrainConfig } from "../train/config.ts";
import { oneLine } from "./format.ts";
import { type ConfigPaths, mapOptions, noteDefaults } from "./mlx-options.ts";

export interface YamlConfig extends ConfigPaths {
  /** The file's knobs with those of the command line on top; defaults are not filled in. */
  readonly knobs: Partial<TrainConfig>;
  /** What a person should know before the run: conversions, differences, options without effect. */
  readonly notes: readonly string[];
}

const MAX_CHARACTERS = 65536;
const MAX_ALIASES = 16;

/**
 * Reads the text of a configuration file; `where` is its name and `flags` the knobs given on the command line, which
 * win. Throws one config error that lists every problem with its line.
 */
export function readYamlConfig(text: string, where: string, flags: Partial<TrainConfig> = {}): YamlConfig {
  const { values, lines } = parseMapping(text, where);
  const mapped = mapOptions(values, flags);

  const problems = new Problems();
  for (const problem of mapped.problems) {
    const key = /^\w+/.exec(problem)?.[0] ?? "";
    problems.add(oneLine(`line ${lines.get(key) ?? 1}: ${problem}`));
  }
  problems.throwIfAny("config", where, "options are those of mlx_lm.lora, and the knobs of lorikeet train --help");

  const knobs = overrideConfig(mapped.knobs, flags);
  return { ...mapped.paths, knobs, notes: [...mapped.notes, ...noteDefaults(knobs)] };
}

function parseMapping(text: string, where: string) {
  if (text.length > MAX_CHARACTERS) {
    throw configError(`${where}: ${text.length} characters, a configuration has at most ${MAX_CHARACTERS}`);
  }
  const counter = new LineCounter();
  const values = new Map<string, unknown>();
  const lines = new Map<string, number>();
  try {
    // logLevel "silent" would also be silent about a second document.
    const document = parseDocument(text, { lineCounter: counter, logLevel: "error" });
    const faults = [...document.errors, ...document.warnings];
    if (faults.length > 0) throw new Error(faults[0]!.message.split("\n")[0]); // the first causes the others
    if (!isMap(document.contents)) throw new Error("expected options, one to a line, as in: batch_size: 4");
    for (const { key } of document.contents.items) {
      if (isScalar(key) && key.range) lines.set(String(key.value), counter.linePos(key.range[0]).line);
    }
    const plain: Record<string, unknown> = document.toJS({ maxAliasCount: MAX_ALIASES });
    for (const [key, value] of Object.entries(plain)) values.set(key, value);
  } catch (error) {
    // The parser also throws on too many aliases, and runs out of stack on absurd nesting.
    const reason = error instanceof RangeError ? "nested too deeply" : (error as Error).message;
    throw configError(`${where}: not readable as YAML: ${oneLine(reason)}`);
  }
  return { values, lines };
}
