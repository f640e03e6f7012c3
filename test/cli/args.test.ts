import { describe, expect, expectTypeOf, it } from "vitest";
import {
  type Command,
  commandHelp,
  givenKnobs,
  parseFlags,
  programHelp,
  selectCommand,
  wantsHelp,
} from "../../src/cli/args.ts";
import { displayWidth } from "../../src/cli/format.ts";
import { LorikeetError } from "../../src/core/errors.ts";
import { flagOf, KNOBS, resolveConfig } from "../../src/train/config.ts";

const TRAIN = {
  name: "train",
  summary: "Trains an adapter.",
  flags: [
    { name: "model", group: "Files", kind: "text", unit: "DIR", required: true, meaning: "Folder of the model." },
    ...KNOBS,
  ],
  foreign: { iters: "mlx-lm's count of micro-batches; --steps counts updates" },
} as const satisfies Command;

const GENERATE = {
  name: "generate",
  summary: "Continues a prompt.",
  positionals: [
    { name: "ADAPTER", meaning: "folder of the adapter" },
    { name: "OUT", meaning: "where to write", optional: true },
  ],
  flags: [
    { name: "prompt", kind: "text", meaning: "Text to continue." },
    { name: "maxTokens", kind: "integer", min: 1, default: 256, meaning: "Tokens to add." },
    { name: "temperature", kind: "number", min: 0, default: 1, meaning: "0 = greedy." },
    { name: "tokens", kind: "list", meaning: "Token ids." },
    { name: "json", kind: "boolean", meaning: "Print JSON." },
  ],
} as const satisfies Command;

function refusal(action: () => unknown): LorikeetError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(LorikeetError);
    return error as LorikeetError;
  }
  throw new Error("was accepted");
}

const train = (...argv: string[]) => parseFlags(TRAIN, ["--model", "m", ...argv]).given;

describe("flags and words that repeat", () => {
  const MANY = {
    name: "many",
    summary: "Takes several.",
    positionals: [{ name: "PLACE", many: true, meaning: "places" }],
    flags: [{ name: "from", kind: "list", repeats: true, unit: "DIR", meaning: "Folders." }],
  } as const satisfies Command;

  it("are kept in order, as they stand", () => {
    const { given, positionals } = parseFlags(MANY, ["a", "--from", "x y", "b c", "--from=u,v", "--from", "x y"]);
    expect(given.from).toEqual(["x y", "u,v", "x y"]);
    expect(positionals).toEqual(["a", "b c"]);
    expectTypeOf(given.from).toEqualTypeOf<readonly string[] | undefined>();
  });

  it("are needed once, with a value", () => {
    const { message } = refusal(() => parseFlags(MANY, ["--from="]));
    expect(message).toContain("PLACE is missing");
    expect(message).toContain("--from: expected");
  });

  it("are shown so", () => {
    const help = commandHelp(MANY, 80);
    expect(help).toContain("usage: lorikeet many PLACE … [flags]");
    expect(help).toMatch(/--from DIR {2,}Folders\./);
  });
});

describe("parseFlags", () => {
  it("reads every kind of value", () => {
    const line =
      "--steps 10 --learning-rate=2e-5 --lr-schedule linear --no-mask-prompt --shuffle --target-modules q_proj,v_proj";
    const given = train(...line.split(" "), "--num-layers", "-1", "--seed=0", "--eps", ".5e-8");
    expect(given).toEqual({
      model: "m",
      steps: 10,
      learningRate: 2e-5,
      lrSchedule: "linear",
      maskPrompt: false,
      shuffle: true,
      targetModules: ["q_proj", "v_proj"],
      numLayers: -1,
      seed: 0,
      eps: 5e-9,
    });
  });

  it("reads a count where a choice allows one", () => {
    expect(train("--checkpointing", "12")).toEqual({ model: "m", checkpointing: 12 });
    expect(train("--checkpointing=on")).toEqual({ model: "m", checkpointing: "on" });
    expect(() => train("--lr-schedule", "12")).toThrow('got "12"');
  });

  it("knows the types of the values", () => {
    const { given, values } = parseFlags(GENERATE, ["a"]);
    expectTypeOf(values.maxTokens).toEqualTypeOf<number>();
    expectTypeOf(values.prompt).toEqualTypeOf<string | undefined>();
    expectTypeOf(given.maxTokens).toEqualTypeOf<number | undefined>();
    expectTypeOf(parseFlags(TRAIN, ["--model", "m"]).values.model).toEqualTypeOf<string>();
  });

  it("tells what was given from what was filled in", () => {
    const { given, values, positionals } = parseFlags(GENERATE, ["adapter", "--prompt=--odd", "--json"]);
    expect(given).toEqual({ prompt: "--odd", json: true });
    expect(values).toEqual({ prompt: "--odd", json: true, maxTokens: 256, temperature: 1 });
    expect(parseFlags(GENERATE, ["a", "--temperature", "0"]).values.temperature).toBe(0);
    expect(positionals).toEqual(["adapter"]);
  });

  it("reads every knob's default back from its flag", () => {
    for (const knob of KNOBS) {
      const text = Array.isArray(knob.default) ? knob.default.join(",") : String(knob.default);
      const name = knob.default === false ? `no-${flagOf(knob.name)}` : flagOf(knob.name);
      const argv = knob.kind === "boolean" ? [`--${name}`] : [`--${flagOf(knob.name)}`, text];
      expect(train(...argv)[knob.name], knob.name).toEqual(knob.default);
    }
  });

  it("hands the given knobs to resolveConfig", () => {
    const given = train("--steps", "3", "--seed", "0");
    expect(givenKnobs(given)).toEqual({ steps: 3, seed: 0 });
    expect(resolveConfig(givenKnobs(given), "flags")).toMatchObject({ steps: 3, epochs: "auto", seed: 0 });
  });

  it("takes the last of a repeated flag, and everything after -- as words", () => {
    expect(train("--steps", "1", "--steps", "2")).toMatchObject({ steps: 2 });
    expect(parseFlags(GENERATE, ["--", "--json", "-x"]).positionals).toEqual(["--json", "-x"]);
  });

  it("collects all problems in one error", () => {
    const error = refusal(() =>
      parseFlags(TRAIN, ["--lerning-rate", "1", "--rank=0", "--steps", "1e999", "--mask-prompt=no"]),
    );
    expect(error.kind).toBe("config");
    expect(error.message).toMatch(/^lorikeet train: 5 problems/);
    expect(error.message).toContain('--lerning-rate: no such flag; did you mean "--learning-rate"?');
    expect(error.message).toContain("--rank: expected whole number ≥ 1, got 0");
    expect(error.message).toContain("--steps: expected whole number");
    expect(error.message).toContain("--mask-prompt takes no value; write --mask-prompt or --no-mask-prompt");
    expect(error.message).toContain("--model is missing: Folder of the model.");
    expect(error.hint).toContain("lorikeet train --help");
  });

  it("explains the flags of other tools", () => {
    expect(refusal(() => train("--iters", "100")).message).toContain("--steps counts updates");
  });

  it.each([
    [["--steps", "--seed", "3"], "--steps needs a value"],
    [["--steps"], "--steps needs a value"],
    [["--steps="], "--steps: expected whole number"],
    [["--steps", "0x10"], '--steps: expected whole number ≥ 1 or "auto", got "0x10"'],
    [["--learning-rate", "1e-4x"], "--learning-rate: expected number"],
    [["--learning-rate", "Infinity"], "--learning-rate: expected number"],
    [["--target-modules", "q_proj,,v_proj"], "--target-modules: expected names"],
    [["--lr-schedule", "cos"], "one of constant, linear, cosine"],
    [["--checkpointing", "-3"], "one of auto, on, off, or a number of blocks"],
    [["--no-steps"], "--no-steps: no such flag"],
    [["-s", "3"], "-s: no such flag"],
    [["--__proto__", "3"], "--__proto__: no such flag"],
    [["--toString"], "--toString: no such flag"],
    [["stray"], '"stray" is one word too many'],
  ])("refuses %j", (argv, expected) => {
    expect(refusal(() => train(...argv)).message).toContain(expected);
  });

  it("asks for missing positionals and refuses too many", () => {
    expect(refusal(() => parseFlags(GENERATE, [])).message).toContain("ADAPTER is missing: folder of the adapter");
    expect(refusal(() => parseFlags(GENERATE, ["a", "b", "c"])).message).toContain('"c" is one word too many');
  });
});

describe("selectCommand and help", () => {
  const commands: readonly Command[] = [TRAIN, GENERATE];

  it("finds the command, or says which one was meant", () => {
    expect(selectCommand(commands, ["generate", "x"])).toEqual({ command: GENERATE, rest: ["x"] });
    expect(refusal(() => selectCommand(commands, ["trian"])).message).toContain('did you mean "train"?');
    expect(refusal(() => selectCommand(commands, [])).hint).toContain("train, generate");
  });

  it("sees a wish for help, but not behind --", () => {
    expect(wantsHelp(["--steps", "1", "-h"])).toBe(true);
    expect(wantsHelp(["--help"])).toBe(true);
    expect(wantsHelp(["--", "--help"])).toBe(false);
  });

  it.each([60, 80, 120])("keeps to %d columns and shows every flag with meaning and default", (width) => {
    const help = commandHelp(TRAIN, width);
    for (const line of help.split("\n")) expect(displayWidth(line), line).toBeLessThanOrEqual(width);
    const flat = help.replace(/\s+/g, " ");
    for (const knob of KNOBS) {
      expect(flat).toMatch(new RegExp(`--(\\[no-\\])?${flagOf(knob.name)}`));
      expect(flat).toContain(knob.meaning);
      expect(help).toContain(`\n${knob.group}:\n`);
    }
    expect(flat).toContain("(whole number ≥ 1; default 8)");
    expect(flat).toContain("(required)");
  });

  it("lists the commands", () => {
    const help = programHelp("Lorikeet trains adapters.", commands, 80);
    expect(help).toContain("  generate  Continues a prompt.");
    expect(help).toContain("Lorikeet trains adapters.");
  });
});
