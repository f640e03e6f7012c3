/** Commands to copy do the same in a shell as they say. */
import { execFileSync } from "node:child_process";
import { afterEach, describe, expect, it, vi } from "vitest";
import { tryCommands } from "../../src/cli/commands/training/closing.ts";
import { commandLine, shellWords } from "../../src/cli/shell.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("words for a shell", () => {
  it.each(["plain/word-1.0", "two words", "Tom's job?", 'say "yes"', "$HOME `id` \\ !", "it's $5", "…", ""])(
    "%j",
    (word) => {
      const out = execFileSync("sh", ["-c", `printf %s ${shellWords([word])}`], { encoding: "utf8" });
      expect(out).toBe(word);
    },
  );
});

it.each([
  ["", "lorikeet"],
  ["lorikeet", "npm run lorikeet --"],
])("started by npm's script %j, it is called as %s", (script, program) => {
  vi.stubEnv("npm_lifecycle_event", script);
  expect(commandLine(["generate", "--model", "my model"])).toBe(`${program} generate --model "my model"`);
  const [own, mlx] = tryCommands("demo", "runs/mine", "Tom's job?");
  expect(own).toEqual(["try it", `${program} generate --model demo --adapter-path runs/mine --prompt "Tom's job?"`]);
  expect(mlx).toEqual(["mlx-lm", 'mlx_lm.generate --model demo --adapter-path runs/mine --prompt "Tom\'s job?"']);
});
