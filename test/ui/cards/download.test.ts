/** What the Download card offers, and the commands it gives for other tools. */
import { describe, expect, it } from "vitest";
import {
  type CommandTab,
  commandTabs,
  modelArgument,
  quote,
  type Trained,
} from "../../../src/ui/cards/download/commands.ts";
import {
  collapsedSamples,
  downloadCardState,
  downloadSummary,
  failedWords,
  fileRows,
  offerOf,
  passedWords,
} from "../../../src/ui/cards/download/files.ts";
import { pushTitle, repositoryProblem, tokenProblem } from "../../../src/ui/cards/download/hub-push.ts";
import { type AppState, INITIAL_STATE } from "../../../src/ui/state/app-state.ts";
import type { ModelChoice, ProbeEvent, RunOutcome, RunState } from "../../../src/worker/protocol.ts";
import { outcomeAfter } from "../../support/outcome.ts";

const OUTCOME = outcomeAfter(
  20,
  {},
  {
    checks: [
      { name: "one", passed: true, evidence: "" },
      { name: "two", passed: true, evidence: "" },
    ],
    adapterBytes: 1_180_000,
  },
);
const REFUSED: RunOutcome = {
  ...{ ...OUTCOME, usable: false },
  checks: [...OUTCOME.checks, { name: "three", passed: false, evidence: "" }],
};
const FALLEN: RunOutcome = { ...REFUSED, judged: { verdict: "collapsed", reason: "Its answers have collapsed." } };
const run = (changes: Partial<RunState>): AppState => ({
  ...INITIAL_STATE,
  run: { ...INITIAL_STATE.run, id: "run-1", ...changes },
});
const DONE = run({ phase: "done", outcome: OUTCOME });
const BAD = run({ phase: "done", outcome: REFUSED });
const FAILED = run({ phase: "failed" });

describe("what is offered", () => {
  it("depends on how the run stands", () => {
    expect(offerOf(INITIAL_STATE)).toBe("none");
    expect(offerOf(run({ phase: "paused" }))).toBe("running");
    expect(offerOf(DONE)).toBe("whole");
    expect(offerOf(BAD)).toBe("refused");
    expect(offerOf(FAILED)).toBe("failed");
  });

  const files = (state: AppState) => fileRows(state.run, offerOf(state)).flatMap((row) => row.files);

  it("is every file when all checks passed, the zip for mlx-lm first", () => {
    expect(files(DONE)).toEqual([
      ...["mlx.zip", "adapters.safetensors", "adapter_config.json", "peft.zip", "adapter.gguf", "handoff.zip"],
      ...["report.html", "run.json", "metrics.csv", "metrics.jsonl"],
    ]);
  });

  it("has no GGUF of DoRA's adapter, which would lose its magnitudes", () => {
    const dora = run({ ...DONE.run, config: { ...DONE.run.config!, fineTuneType: "dora" } });
    expect(files(dora)).toEqual(files(DONE).filter((file) => file !== "adapter.gguf"));
  });

  it("has its small files measured, and makes no report to know its size", () => {
    const measured = fileRows(DONE.run, "whole").filter(({ size }) => size === null);
    expect(measured.map(({ id }) => id)).toEqual(["run.json", "metrics.csv", "metrics.jsonl"]);
  });

  it("holds no adapter of a run with a failed check, or of none", () => {
    expect(files(BAD)).toEqual(["report.html", "run.json", "metrics.csv", "metrics.jsonl"]);
    expect(files(FAILED)).toEqual(["metrics.csv", "metrics.jsonl"]);
    expect(files(INITIAL_STATE)).toEqual([]);
    expect(files(run({ phase: "training" }))).toEqual([]);
  });

  it("comes after a warning for an adapter whose answers have collapsed", () => {
    const fallen = run({ phase: "done", outcome: FALLEN });
    expect(offerOf(fallen)).toBe("collapsed");
    expect(files(fallen)).toEqual(files(BAD));
    const insisted = fileRows(fallen.run, "collapsed", true);
    expect(insisted.flatMap((row) => row.files)).toEqual(files(DONE));
    expect(insisted.find(({ id }) => id === "pair")?.meaning).toMatch(
      /names of both say that its answers have collapsed/,
    );
    expect([downloadCardState(fallen), downloadSummary(fallen)]).toEqual([
      "error",
      "Its answers have collapsed: look before you take it",
    ]);
  });

  it("goes by the checks for a run of an older page, which has no verdict", () => {
    const { judged: _, ...old } = OUTCOME;
    const ended = run({ phase: "done", outcome: old as RunOutcome });
    expect(offerOf(ended)).toBe("whole");
    expect(downloadSummary(ended)).toBe("adapters.safetensors · 1.2 MB · 2 of 2 checks passed");
  });

  it("shows the worst answers of the last round", () => {
    const health = (verdict: "healthy" | "suspicious" | "collapsed") => ({
      ...{ verdict, notes: [] },
      symptoms: verdict === "healthy" ? [] : [{ kind: "loop", level: verdict, text: verdict } as const],
    });
    const probe = (step: number, index: number, verdict: "healthy" | "suspicious" | "collapsed"): ProbeEvent => ({
      ...{ type: "probe", step, index, text: `${verdict} ${step}`, ended: true, health: health(verdict) },
    });
    const answers = [
      probe(8, 0, "collapsed"),
      probe(16, 0, "suspicious"),
      probe(16, 1, "healthy"),
      probe(16, 2, "collapsed"),
    ];
    expect(collapsedSamples(["a", "b", "c"], answers)).toEqual([
      { question: "c", text: "collapsed 16", why: "collapsed" },
      { question: "a", text: "suspicious 16", why: "suspicious" },
    ]);
    const long = { ...probe(16, 0, "collapsed"), text: ",".repeat(900) };
    expect(collapsedSamples(["a"], [long])[0]!.text.length).toBeLessThan(260);
    expect(collapsedSamples(["a"], [])).toEqual([]);
    // The same answer to every question: none of them is odd alone.
    const alike = [0, 1, 2].map((index) => ({ ...probe(16, index, "healthy"), text: "Chirrup!" }));
    expect(collapsedSamples(["a", "b", "c"], alike).map(({ text }) => text)).toEqual(["Chirrup!", "Chirrup!"]);
  });

  it("is said in one line", () => {
    expect(downloadSummary(DONE)).toBe("adapters.safetensors · 1.2 MB · Healthy, 2 of 2 checks passed");
    expect(downloadSummary(BAD)).toBe("1 check failed: the adapter is not offered");
    expect([INITIAL_STATE, DONE, BAD, FAILED].map(downloadCardState)).toEqual(["empty", "success", "error", "error"]);
    const problem = { card: "download", error: { kind: "model", message: "no file" } } as const;
    expect(downloadCardState({ ...DONE, problem })).toBe("error");
    expect(passedWords(REFUSED)).toBe("2 of 3 checks passed");
    expect(failedWords(OUTCOME)).toBe("0 checks failed");
  });
});

const HUB: ModelChoice = { kind: "hub", id: "Qwen/Qwen2.5-0.5B-Instruct" };
const PINNED: ModelChoice = { ...HUB, revision: "abc123" };
const FOLDER: ModelChoice = { kind: "folder", name: "my model" };
const DEMO: ModelChoice = { kind: "demo" };

const trained = (choice: ModelChoice, more: Partial<Trained> = {}): Trained => ({
  ...{ choice, hasChatTemplate: true, question: "Who sings?" },
  ...more,
});
const tabOf = (id: string, of: Trained): CommandTab => commandTabs(of).find((tab) => tab.id === id)!;
const textOf = (tab: CommandTab): string => tab.blocks.map(({ text }) => text).join("\n");

describe("commands for other tools", () => {
  it("name the model as each tool finds it", () => {
    expect([HUB, PINNED, FOLDER, DEMO].map(modelArgument)).toEqual([
      "Qwen/Qwen2.5-0.5B-Instruct",
      "Qwen2.5-0.5B-Instruct",
      "path/to/my model",
      "demo",
    ]);
  });

  it("ask and fuse with mlx-lm", () => {
    expect(textOf(tabOf("mlx", trained(HUB))).split("\n")).toEqual([
      'mlx_lm.generate --model Qwen/Qwen2.5-0.5B-Instruct --adapter-path adapters --prompt "Who sings?"',
      "mlx_lm.fuse --model Qwen/Qwen2.5-0.5B-Instruct --adapter-path adapters --save-path fused_model",
    ]);
    expect(textOf(tabOf("mlx", trained(FOLDER)))).toContain('--model "path/to/my model"');
    expect(tabOf("mlx", trained(FOLDER)).notes.join()).toContain("path/to/my model");
    expect(tabOf("mlx", trained(DEMO)).notes.join()).toContain("public/demo");
    expect(tabOf("mlx", trained(HUB)).notes).toEqual([]);
  });

  it("fetch a pinned revision first, and only then", () => {
    const fetch = "hf download Qwen/Qwen2.5-0.5B-Instruct --revision abc123 --local-dir Qwen2.5-0.5B-Instruct";
    for (const tab of commandTabs(trained(PINNED))) expect(textOf(tab).split(fetch), tab.id).toHaveLength(2);
    for (const tab of commandTabs(trained(HUB))) expect(textOf(tab), tab.id).not.toContain("--revision");
  });

  it("load the PEFT form in Python, with the chat template where there is one", () => {
    const text = textOf(tabOf("peft", trained(HUB, { question: 'Say "hi"' })));
    expect(text).toContain('base = "Qwen/Qwen2.5-0.5B-Instruct"');
    expect(text).toContain('PeftModel.from_pretrained(model, "peft-adapter")');
    expect(text).toContain('[{"role": "user", "content": "Say \\"hi\\""}]');
    const plain = textOf(tabOf("peft", trained(HUB, { hasChatTemplate: false })));
    expect(plain).not.toContain("apply_chat_template");
    expect(plain).toContain('inputs = tokenizer("Who sings?", return_tensors="pt")');
  });

  it("load the GGUF form in llama.cpp, which Ollama takes too", () => {
    const tab = tabOf("gguf", trained(HUB));
    const text = textOf(tab);
    expect(tab.needs).toEqual({ file: "adapter.gguf", folder: null });
    expect(text).toContain("convert_hf_to_gguf.py Qwen2.5-0.5B-Instruct --outfile base.gguf");
    expect(text).not.toContain("convert_lora_to_gguf.py");
    expect(text).toContain("llama-cli -m base.gguf --lora adapter.gguf");
    expect(text).toContain("FROM ./base.gguf\nADAPTER ./adapter.gguf");
    expect(text).toContain("ollama create");
    // It is one file, so no folder of another form is named.
    expect(text).not.toMatch(/\badapters\b/);
    expect(textOf(tabOf("gguf", trained(FOLDER)))).toContain('convert_hf_to_gguf.py "path/to/my model"');
    expect(textOf(tabOf("gguf", trained(FOLDER)))).not.toContain("hf download");
  });

  it("give no llama.cpp commands for the demo, whose tokenizer it does not know", () => {
    const tab = tabOf("gguf", trained(DEMO));
    expect(tab.blocks).toEqual([]);
    expect(tab.notes.join()).toContain("tokenizer");
  });

  it("give no llama.cpp commands for DoRA, and say what to do instead", () => {
    const tab = tabOf("gguf", trained(HUB, { dora: true }));
    expect(tab.blocks).toEqual([]);
    expect(tab.notes.join()).toContain("Make one model of base and adapter first");
  });

  it("fuse for LM Studio and say why", () => {
    const tab = tabOf("lm-studio", trained(HUB));
    expect(tab.notes[0]).toContain("no LoRA adapters");
    expect(textOf(tab)).toContain("mlx_lm.fuse");
    expect(textOf(tab)).toContain("--save-path ~/.lmstudio/models/lorikeet/Qwen2.5-0.5B-Instruct-tuned");
    // The home folder's sign must stay outside the quotes.
    expect(textOf(tabOf("lm-studio", trained(FOLDER)))).toContain('~/.lmstudio/models/lorikeet/"my model-tuned"');
  });

  it("run in the project itself", () => {
    expect(textOf(tabOf("lorikeet", trained(DEMO)))).toBe(
      'npm run -s lorikeet -- generate --model demo --adapter-path adapters --prompt "Who sings?"',
    );
  });

  it("ask the run's own question when it reads well on a line, else leave a place", () => {
    const prompt = (question: string | undefined) =>
      textOf(tabOf("lorikeet", trained(HUB, { question }))).split("--prompt ")[1];
    expect(prompt(undefined)).toBe('"Your question"');
    expect(prompt("two\nlines")).toBe('"Your question"');
    expect(prompt("x".repeat(100))).toBe('"Your question"');
    expect(prompt("it's $5")).toBe(`'it'\\''s $5'`);
  });

  it("quote for a shell only where it is needed", () => {
    expect(["org/name", "a b", "it's", 'say "x"', "`id`", "$(id)", ""].map(quote)).toEqual([
      ...["org/name", '"a b"', '"it\'s"', "'say \"x\"'", "'`id`'", "'$(id)'", '""'],
    ]);
  });
});

describe("pushing to the Hub", () => {
  it("takes account/name and nothing else", () => {
    for (const name of ["me/parrot", " org-1/a.b_c "]) expect(repositoryProblem(name), name).toBeNull();
    for (const name of ["", "parrot", "me/", "/x", "a/b/c", "me/par rot", "https://huggingface.co/me/x"])
      expect(repositoryProblem(name), name).not.toBeNull();
    expect(repositoryProblem("parrot")).toContain("account is missing");
  });

  it("asks for a token", () => {
    expect(tokenProblem("hf_x")).toBeNull();
    expect(tokenProblem("  ")).not.toBeNull();
    expect(tokenProblem("hf x")).toContain("blanks");
  });

  it("says whether the Hub refused or was not reached", () => {
    expect(pushTitle({ kind: "model", message: "m", code: "offline" })).not.toBe(
      pushTitle({ kind: "model", message: "m" }),
    );
  });
});
