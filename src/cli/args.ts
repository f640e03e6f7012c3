/**
 * The command line as data: each command is a record of flags, from which come parsing, checks and help.
 * Knobs of training are flags as they stand. All problems of a line are reported together.
 */

import { parseArgs } from "node:util";
import { configError, Problems } from "../core/errors.ts";
import { didYouMean } from "../core/spelling.ts";
import { findKnob, flagOf, type TrainConfig, type ValueOf } from "../train/config.ts";
import { checkValue, describeDefault, describeRange, type Setting, type Value } from "../train/setting.ts";
import { displayWidth, wrap } from "./format.ts";

export interface Flag extends Setting {
  readonly required?: boolean;
  /** Of a list: each time the flag is given it adds one text, as it stands. */
  readonly repeats?: boolean;
}

export interface Positional {
  readonly name: string;
  readonly meaning: string;
  readonly optional?: boolean;
  /** The last one: further words are more of it. */
  readonly many?: boolean;
}

export interface Command {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  readonly positionals?: readonly Positional[];
  readonly flags: readonly Flag[];
  /** Flags that other tools know, with what to use here: `{ iters: "--steps counts updates" }`. */
  readonly foreign?: Readonly<Record<string, string>>;
}

type Flags<C extends Command> = C["flags"][number];
type Fixed<C extends Command> = Extract<Flags<C>, { required: true } | { default: Value }>;
type Loose<C extends Command> = Exclude<Flags<C>, Fixed<C>>;

/** The flags that were given. */
export type Given<C extends Command> = { readonly [F in Flags<C> as F["name"]]?: ValueOf<F> };

/** The flags that were given, over the defaults of the others. */
export type Values<C extends Command> = { readonly [F in Fixed<C> as F["name"]]: ValueOf<F> } & {
  readonly [F in Loose<C> as F["name"]]?: ValueOf<F>;
};

export interface ParsedFlags<C extends Command> {
  readonly given: Given<C>;
  readonly values: Values<C>;
  readonly positionals: readonly string[];
}

/** Finds the command a line begins with. Throws a config error for an unknown or missing one. */
export function selectCommand<C extends Command>(
  commands: readonly C[],
  argv: readonly string[],
): { readonly command: C; readonly rest: readonly string[] } {
  const [name, ...rest] = argv;
  const command = commands.find((candidate) => candidate.name === name);
  if (command) return { command, rest };
  const names = commands.map((candidate) => candidate.name);
  const what = name === undefined ? "no command given" : `"${name}" is no command${didYouMean(name, names)}`;
  throw configError(`lorikeet: ${what}`, `commands: ${names.join(", ")}`);
}

/** True when the line asks for help; what stands after `--` does not count. */
export function wantsHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return (end < 0 ? argv : argv.slice(0, end)).some((word) => word === "--help" || word === "-h");
}

/**
 * Reads the flags and positionals of one command.
 * `--flag value`, `--flag=value`, `--switch`, `--no-switch`; a repeated flag's last value counts, but for flags that repeat.
 * Throws one config error that lists every problem of the line.
 */
export function parseFlags<const C extends Command>(command: C, argv: readonly string[]): ParsedFlags<C> {
  const problems = new Problems();
  const given: Record<string, Value> = {};
  const words: string[] = [];
  let unknown = false;

  for (const token of tokenize(command, argv)) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const target = findFlag(command, token.name);
    if (!target) {
      problems.add(unknownFlag(command, token.rawName, token.name));
      unknown = true;
      continue;
    }
    const read = readFlag(target.flag, token.rawName, token.value, target.negated, token.inlineValue ?? false);
    const { name, repeats } = target.flag;
    if (read.problem !== undefined) problems.add(read.problem);
    else given[name] = repeats ? [...((given[name] ?? []) as string[]), ...(read.value as string[])] : read.value;
  }

  // After an unknown flag, a stray word is most likely that flag's value.
  if (!unknown) checkPositionals(command, words, problems);
  const values = withDefaults(command, given, problems);
  problems.throwIfAny("config", `lorikeet ${command.name}`, `see: lorikeet ${command.name} --help`);
  return { given: given as Given<C>, values: values as Values<C>, positionals: words };
}

function tokenize(command: Command, argv: readonly string[]) {
  const options = Object.fromEntries(
    command.flags.map((flag) => {
      const type = flag.kind === "boolean" ? ("boolean" as const) : ("string" as const);
      return [flagOf(flag.name), { type }];
    }),
  );
  // Not strict: Node would throw at the first problem; here all are collected.
  return parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

function findFlag(command: Command, name: string): { flag: Flag; negated: boolean } | undefined {
  const flag = command.flags.find((candidate) => flagOf(candidate.name) === name);
  if (flag) return { flag, negated: false };
  const positive = command.flags.find((candidate) => `no-${flagOf(candidate.name)}` === name);
  return positive?.kind === "boolean" ? { flag: positive, negated: true } : undefined;
}

function unknownFlag(command: Command, rawName: string, name: string): string {
  const foreign = command.foreign ?? {};
  if (Object.hasOwn(foreign, name)) return `${rawName}: ${foreign[name]}`;
  const names = command.flags.map((flag) => `--${flagOf(flag.name)}`);
  return `${rawName}: no such flag${didYouMean(rawName, names)}`;
}

type Read = { readonly value: Value; readonly problem?: undefined } | { readonly problem: string };

function readFlag(flag: Flag, rawName: string, text: string | undefined, negated: boolean, inline: boolean): Read {
  if (flag.kind === "boolean") {
    const name = flagOf(flag.name);
    if (text !== undefined) return { problem: `${rawName} takes no value; write --${name} or --no-${name}` };
    return { value: !negated };
  }
  // "-1" is a number; "--seed" after "--steps" is a forgotten value.
  if (text === undefined || (!inline && /^--?[a-z]/i.test(text))) {
    const way = text === undefined ? "" : `; a value that begins with a dash is written ${rawName}=${text}`;
    return { problem: `${rawName} needs a value: ${describeRange(flag)}${way}` };
  }
  if (flag.repeats && text !== "") return { value: [text] };
  const value = readText(flag, text);
  const problem = checkValue(flag, value);
  return problem === undefined ? { value } : { problem: `${rawName}: ${problem}` };
}

/** The typed value of a flag's text; text that does not read as its kind stays text, for the check to refuse. */
function readText(flag: Flag, text: string): Value {
  switch (flag.kind) {
    case "choice":
      return flag.count !== undefined && /^\d+$/.test(text) ? Number(text) : text;
    case "integer":
    case "number":
      return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : text;
    case "list":
      return text.split(",").map((item) => item.trim());
    case "patterns":
      // A comma may be part of a pattern: only one behind a number ends it.
      return text === "" ? [] : text.split(/(?<==[\d.]+(?:e[-+]?\d+)?),/i).map((item) => item.trim());
    default:
      return text;
  }
}

function checkPositionals(command: Command, words: readonly string[], problems: Problems): void {
  const expected = command.positionals ?? [];
  expected.slice(words.length).forEach((positional) => {
    if (!positional.optional) problems.add(`${positional.name} is missing: ${positional.meaning}`);
  });
  if (expected.at(-1)?.many) return;
  for (const word of words.slice(expected.length)) problems.add(`"${word}" is one word too many`);
}

function withDefaults(command: Command, given: Readonly<Record<string, Value>>, problems: Problems) {
  const values: Record<string, Value> = {};
  for (const flag of command.flags) {
    const value = given[flag.name] ?? flag.default;
    if (value !== undefined) values[flag.name] = value;
    else if (flag.required) problems.add(`--${flagOf(flag.name)} is missing: ${flag.meaning}`);
  }
  return values;
}

/** The knobs among the flags given, for `resolveConfig`. */
export function givenKnobs(given: Readonly<Record<string, unknown>>): Partial<TrainConfig> {
  return Object.fromEntries(Object.entries(given).filter(([name]) => findKnob(name)));
}

/** The overview that `lorikeet --help` prints. */
export function programHelp(summary: string, commands: readonly Command[], width: number): string {
  const rows = commands.map((command) => ({ label: command.name, text: command.summary }));
  const usage = "usage: lorikeet COMMAND [flags]";
  return [summary, "", usage, "", ...entries(rows, width), "", "lorikeet COMMAND --help explains its flags."].join(
    "\n",
  );
}

/** The help of one command, wrapped to `width` columns and grouped as its flags are. */
export function commandHelp(command: Command, width: number): string {
  const positionals = command.positionals ?? [];
  const word = ({ name, many }: Positional) => (many ? `${name} …` : name);
  const words = positionals.map((one) => (one.optional ? ` [${word(one)}]` : ` ${word(one)}`)).join("");
  const lines = [`usage: lorikeet ${command.name}${words} [flags]`, "", ...wrap(command.summary, width)];
  if (positionals.length > 0) {
    const rows = positionals.map(({ name, meaning }) => ({ label: name, text: meaning }));
    lines.push("", ...entries(rows, width));
  }
  for (const [group, flags] of groups(command.flags)) {
    const rows = flags.map((flag) => ({ label: flagLabel(flag), text: flagText(flag) }));
    lines.push("", `${group}:`, ...entries(rows, width));
  }
  return lines.join("\n");
}

function groups(flags: readonly Flag[]): Map<string, Flag[]> {
  const found = new Map<string, Flag[]>();
  for (const flag of flags) {
    const group = flag.group ?? "Flags";
    found.set(group, [...(found.get(group) ?? []), flag]);
  }
  return found;
}

function flagLabel(flag: Flag): string {
  const name = flagOf(flag.name);
  switch (flag.kind) {
    case "boolean":
      return flag.default === true ? `--[no-]${name}` : `--${name}`;
    case "choice":
      return `--${name} ${[...(flag.choices ?? []), ...(flag.count ? ["N"] : [])].join("|")}`;
    case "integer":
      return `--${name} N`;
    case "number":
      return `--${name} X`;
    case "list":
      return flag.repeats ? `--${name} ${flag.unit ?? "TEXT"}` : `--${name} A,B,…`;
    case "patterns":
      return `--${name} A=N,…`;
    case "text":
      return `--${name} ${flag.unit ?? "TEXT"}`;
  }
}

/** The meaning, then in brackets what the label does not say: range, unit, default. */
function flagText(flag: Flag): string {
  const ranged = flag.kind === "integer" || flag.kind === "number";
  const range = ranged ? `${describeRange(flag)}${flag.unit ? `, in ${flag.unit}` : ""}` : "";
  const usual = flag.kind === "boolean" ? (flag.default === true ? "on" : "") : describeDefault(flag);
  const facts = [flag.required ? "required" : "", range, usual && `default ${usual}`].filter(Boolean).join("; ");
  return facts === "" ? flag.meaning : `${flag.meaning} (${facts})`;
}

const INDENT = "  ";

/** Two columns: labels, and texts wrapped beside them; a long label stands on a line of its own. */
function entries(rows: readonly { label: string; text: string }[], width: number): string[] {
  const column = Math.min(26, Math.max(...rows.map(({ label }) => displayWidth(label))));
  const gap = INDENT + " ".repeat(column + 2);
  const room = Math.max(24, width - gap.length);
  return rows.flatMap(({ label, text }) => {
    const [first = "", ...rest] = wrap(text, room);
    const fits = displayWidth(label) <= column;
    const head = INDENT + label.padEnd(column + 2);
    return [...(fits ? [head + first] : [INDENT + label, gap + first]), ...rest.map((line) => gap + line)];
  });
}
