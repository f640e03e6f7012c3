/** Commands to copy for other tools, for the model that was trained. Pure. */
import type { ModelChoice, RunFile } from "../../../worker/protocol.ts";

export interface CommandBlock {
  readonly label: string;
  readonly text: string;
}

export interface CommandTab {
  readonly id: string;
  readonly title: string;
  /** Which download the commands read, and as which folder; null: the file itself, beside where they run. */
  readonly needs: { readonly file: RunFile; readonly folder: string | null };
  readonly notes: readonly string[];
  readonly blocks: readonly CommandBlock[];
}

/** The unpacked zips. */
const MLX_FOLDER = "adapters";
const PEFT_FOLDER = "peft-adapter";
const LONGEST_PROMPT = 80;

export interface Trained {
  readonly choice: ModelChoice;
  readonly hasChatTemplate: boolean;
  /** A question it was asked while training, if there was one. */
  readonly question: string | undefined;
  /** With DoRA's magnitudes. */
  readonly dora?: boolean;
}

/** One tab for each tool. */
export function commandTabs(trained: Trained): CommandTab[] {
  return [mlxTab(trained), peftTab(trained), ggufTab(trained), lmStudioTab(trained), ownTab(trained)];
}

/** How other tools name the model: the Hub's id, or a folder that only the person knows. */
export function modelArgument(choice: ModelChoice): string {
  if (choice.kind === "demo") return "demo";
  if (choice.kind === "folder") return `path/to/${choice.name}`;
  return choice.revision === undefined ? choice.id : localName(choice.id);
}

const localName = (id: string): string => id.slice(id.lastIndexOf("/") + 1);

/** What `demo` or `path/to/…` stands for. */
function placeNote(choice: ModelChoice): string[] {
  if (choice.kind === "demo")
    return ["`demo` is the folder of the built-in model: public/demo in Lorikeet's repository."];
  if (choice.kind === "folder") return [`\`path/to/${choice.name}\` stands for the folder you trained from.`];
  return [];
}

/** Tools that take no revision read it from a folder. */
function fetchBlock(choice: ModelChoice): CommandBlock[] {
  if (choice.kind !== "hub" || choice.revision === undefined) return [];
  const { id, revision } = choice;
  const text = `hf download ${quote(id)} --revision ${quote(revision)} --local-dir ${quote(localName(id))}`;
  return [{ label: "Fetch the revision that was trained", text }];
}

function mlxTab(trained: Trained): CommandTab {
  const { choice } = trained;
  const files = `--model ${quote(modelArgument(choice))} --adapter-path ${MLX_FOLDER}`;
  return {
    ...{ id: "mlx", title: "mlx-lm", needs: { file: "mlx.zip", folder: MLX_FOLDER }, notes: placeNote(choice) },
    blocks: [
      ...fetchBlock(choice),
      { label: "Ask", text: `mlx_lm.generate ${files} --prompt ${quote(promptOf(trained))}` },
      { label: "Make one model of base and adapter", text: `mlx_lm.fuse ${files} --save-path fused_model` },
    ],
  };
}

function peftTab(trained: Trained): CommandTab {
  const { choice, hasChatTemplate } = trained;
  const question = python(promptOf(trained));
  const prompt = hasChatTemplate
    ? [
        `messages = [{"role": "user", "content": ${question}}]`,
        "inputs = tokenizer.apply_chat_template(",
        '    messages, add_generation_prompt=True, return_dict=True, return_tensors="pt"',
        ")",
      ]
    : [`inputs = tokenizer(${question}, return_tensors="pt")`];
  const text = [
    "from peft import PeftModel",
    "from transformers import AutoModelForCausalLM, AutoTokenizer",
    "",
    `base = ${python(modelArgument(choice))}`,
    "tokenizer = AutoTokenizer.from_pretrained(base)",
    "model = AutoModelForCausalLM.from_pretrained(base)",
    `model = PeftModel.from_pretrained(model, ${python(PEFT_FOLDER)})`,
    "",
    ...prompt,
    "answer = model.generate(**inputs, max_new_tokens=128)",
    'print(tokenizer.decode(answer[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True))',
  ].join("\n");
  return {
    ...{ id: "peft", title: "PEFT", needs: { file: "peft.zip", folder: PEFT_FOLDER }, notes: placeNote(choice) },
    blocks: [...fetchBlock(choice), { label: "Python", text }],
  };
}

function ggufTab({ choice, dora }: Trained): CommandTab {
  const head = { id: "gguf", title: "llama.cpp, Ollama", needs: { file: "adapter.gguf", folder: null } } as const;
  if (choice.kind === "demo") {
    const note =
      "The built-in model has a tokenizer of its own, which llama.cpp does not know. Models of the Hub work.";
    return { ...head, notes: [note], blocks: [] };
  }
  if (dora) {
    const note =
      "GGUF has no place for DoRA's magnitudes. Make one model of base and adapter first, as for mlx-lm, and convert that.";
    return { ...head, needs: { file: "mlx.zip", folder: MLX_FOLDER }, notes: [note], blocks: [] };
  }
  const base = choice.kind === "hub" ? localName(choice.id) : modelArgument(choice);
  const fetch = choice.kind === "hub" && choice.revision === undefined;
  const convert = [
    ...(fetch ? [`hf download ${quote(choice.id)} --local-dir ${quote(base)}`] : []),
    `python convert_hf_to_gguf.py ${quote(base)} --outfile base.gguf`,
  ].join("\n");
  return {
    ...head,
    notes: [
      ...placeNote(choice),
      "The base can be any GGUF of the very model you trained, of any quantisation: then leave the first step out.",
    ],
    blocks: [
      ...fetchBlock(choice),
      { label: "Make a GGUF of the base, in llama.cpp's folder", text: convert },
      { label: "llama.cpp", text: "llama-cli -m base.gguf --lora adapter.gguf" },
      { label: "Ollama: a file named Modelfile", text: "FROM ./base.gguf\nADAPTER ./adapter.gguf" },
      { label: "Ollama", text: "ollama create my-model -f Modelfile\nollama run my-model" },
    ],
  };
}

function lmStudioTab({ choice }: Trained): CommandTab {
  const files = `--model ${quote(modelArgument(choice))} --adapter-path ${MLX_FOLDER}`;
  const name = choice.kind === "hub" ? localName(choice.id) : choice.kind === "demo" ? "demo" : choice.name;
  const place = `~/.lmstudio/models/lorikeet/${quote(`${name}-tuned`)}`;
  return {
    ...{ id: "lm-studio", title: "LM Studio", needs: { file: "mlx.zip", folder: MLX_FOLDER } },
    notes: [
      "LM Studio loads no LoRA adapters. Make one model of base and adapter first; it then appears among its models.",
      ...placeNote(choice),
    ],
    blocks: [
      ...fetchBlock(choice),
      { label: "Make one model, where LM Studio looks for it", text: `mlx_lm.fuse ${files} --save-path ${place}` },
    ],
  };
}

function ownTab(trained: Trained): CommandTab {
  const { choice } = trained;
  const model = quote(modelArgument(choice));
  const ask = `npm run -s lorikeet -- generate --model ${model} --adapter-path ${MLX_FOLDER}`;
  return {
    ...{ id: "lorikeet", title: "Lorikeet", needs: { file: "mlx.zip", folder: MLX_FOLDER } },
    notes: [
      "In a clone of Lorikeet's repository: the same engine without a browser.",
      ...(choice.kind === "folder" ? placeNote(choice) : []),
    ],
    blocks: [...fetchBlock(choice), { label: "Ask", text: `${ask} --prompt ${quote(promptOf(trained))}` }],
  };
}

/** A question that reads well on one line, else a place for one. */
function promptOf({ question }: Trained): string {
  const fits = question !== undefined && question.length <= LONGEST_PROMPT && !/[\n\r]/.test(question);
  return fits ? question : "Your question";
}

/** For a POSIX shell; double quotes where they need no escapes, because they read better around an apostrophe. */
export function quote(word: string): string {
  if (/^[\w./:@+-]+$/.test(word)) return word;
  return /["$`\\!]/.test(word) ? `'${word.replaceAll("'", `'\\''`)}'` : `"${word}"`;
}

/** A string of Python; JSON's escapes are Python's. */
const python = (text: string): string => JSON.stringify(text);
