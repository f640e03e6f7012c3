/** README.md of the folder: what lies in it, the commands, what is left of the job, the way back, and what differs. */
import { formatCount, formatSetting } from "../core/units.ts";
import { equivalences, leftOutLines } from "./equivalences.ts";
import type { HandoffModel, Left } from "./job.ts";
import type { MlxJob } from "./mlx-job.ts";
import type { TrlJob } from "./trl-job.ts";

export interface ReadmeInput {
  readonly model: HandoffModel;
  readonly left: Left;
  readonly mlx: MlxJob;
  readonly trl: TrlJob;
  /** Records that training leaves out as well. */
  readonly dropped: number;
}

export function readme(input: ReadmeInput): string {
  const { mlx, trl } = input;
  const rows = equivalences(mlx, trl).map(
    ({ what, here, mlx, trl }) =>
      `| ${[what, here, mlx, trl].map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`,
  );
  const parts = [
    `# A training job, handed over by Lorikeet`,
    whatThisIs(input),
    `## What is left to do`,
    whatIsLeftWords(input),
    `## On a Mac, or several, with mlx-lm`,
    mlxPart(input),
    `## On one GPU, or many, with TRL`,
    trlPart(input),
    `## Back again`,
    backPart(input),
    `## What is the same, and what is not`,
    "Options are those of mlx-lm 0.32, TRL 1.13, transformers 5.18 and PEFT 0.21.",
    ["| | Lorikeet | mlx-lm | TRL |", "|---|---|---|---|", ...rows].join("\n"),
  ];
  return `${parts.join("\n\n")}\n`;
}

function whatThisIs({ model, mlx, trl, dropped }: ReadmeInput): string {
  const start = mlx.adapter !== null;
  const files = [
    ...(mlx.data.train.rows > 0
      ? [
          `- \`mlx/\`: \`config.yaml\`, the records${start ? ", and in `start/` the adapter so far as mlx-lm reads it" : ""}`,
        ]
      : []),
    `- \`trl/\`: \`train.py\`, the records${start ? ", and in `start/` the adapter so far as PEFT reads it" : ""}`,
  ];
  const left = [
    ...(dropped > 0 ? [`Records that training leaves out here are not in it: ${formatCount(dropped)}.`] : []),
    ...leftOutLines("mlx/data/train.jsonl", mlx.data.train),
    ...(mlx.data.valid ? leftOutLines("mlx/data/valid.jsonl", mlx.data.valid) : []),
    ...leftOutLines("trl/data/train.jsonl", trl.data.train),
    ...(trl.data.valid ? leftOutLines("trl/data/valid.jsonl", trl.data.valid) : []),
  ];
  const about = `The same training job, on \`${model.name}\`, for a bigger machine:`;
  return [about, files.join("\n"), ...(left.length > 0 ? [left.map((line) => `- ${line}`).join("\n")] : [])].join(
    "\n\n",
  );
}

function whatIsLeftWords({ left, mlx }: ReadmeInput): string {
  const { config, total, done, updatesPerEpoch } = left;
  const passes = Number((Number(config.steps) / updatesPerEpoch).toFixed(2));
  const epochs = `${formatSetting(passes)} ${passes === 1 ? "epoch" : "epochs"}`;
  if (done > 0 && done < total) {
    return `Of ${total} updates ${done} are done. The other ${config.steps} (${epochs}) are what both folders do: from the adapter so far, with the rate that was reached, ${formatSetting(config.learningRate)}, after a new warm-up of ${config.warmup} updates, because no other tool can load the optimizer's moments.`;
  }
  if (!mlx.adapter) return `All ${total} updates (${epochs}), from a new adapter.`;
  const again = `To train it from nothing instead, take \`resume_adapter_file\` out of \`config.yaml\`, and in \`train.py\` put the commented lines in place of \`start\`.`;
  const words = done > 0 ? `All ${total} updates are done. Both folders` : "Both folders";
  return `${words} make ${total} updates (${epochs}) from the adapter so far, with the settings it was trained with. ${again}`;
}

/** A folder that nobody else has cannot be fetched by name. */
function fetchLines({ name, revision }: HandoffModel): string[] {
  if (revision === undefined) return [];
  return [
    "",
    `\`mlx_lm.lora\` takes the newest commit of the model. For the one that was trained on, fetch it and put \`model: base\` into \`config.yaml\`:`,
    "",
    code(`hf download ${name} --revision ${revision} --local-dir base`),
  ];
}

const code = (text: string) => `\`\`\`\n${text}\n\`\`\``;

function mlxPart({ model, mlx }: ReadmeInput): string {
  if (mlx.data.train.rows === 0) return "Not possible: mlx-lm takes text or messages, and these records are neither.";
  const { size } = mlx.batch;
  return [
    ...(model.note ? [model.note, ""] : []),
    "In the folder `mlx`:",
    "",
    code("pip install mlx-lm\nmlx_lm.lora --config config.yaml"),
    "",
    `On several Macs, with this folder and the model on each, under the same path. Their number must divide \`batch_size\`, which is ${size}:`,
    "",
    code("mlx.launch --hosts 10.0.0.1,10.0.0.2 --backend ring -- mlx_lm.lora --config config.yaml"),
    ...fetchLines(model),
    "",
    "What comes of it is in `mlx/adapters`.",
  ].join("\n");
}

function trlPart({ model, trl }: ReadmeInput): string {
  return [
    ...(model.quantized
      ? ["The weights are in MLX's codes, which transformers does not read: name the original model as MODEL.", ""]
      : []),
    "In the folder `trl`, on one GPU; on the 4 of one machine; on 2 machines of 4 each (`--machine_rank 1` on the second):",
    "",
    code(
      [
        "pip install trl peft accelerate",
        "accelerate launch --num_processes 1 train.py",
        "accelerate launch --multi_gpu --num_processes 4 train.py",
        "accelerate launch --multi_gpu --num_machines 2 --num_processes 8 --machine_rank 0 --main_process_ip 10.0.0.1 --main_process_port 29500 train.py",
      ].join("\n"),
    ),
    "",
    `The number of GPUs must divide \`BATCH\`, which is ${trl.config.batchSize}. What comes of it is in \`trl/adapters\`.`,
  ].join("\n");
}

function backPart({ model }: ReadmeInput): string {
  const base = /^[\w./:@+-]+$/.test(model.name) ? model.name : `'${model.name.replaceAll("'", `'\\''`)}'`;
  return [
    "Lorikeet reads the adapters of both as they are, and turns either into the other or into GGUF:",
    "",
    code(
      [
        `lorikeet generate --model ${base} --adapter-path mlx/adapters --prompt "…"`,
        `lorikeet generate --model ${base} --adapter-path trl/adapters --prompt "…"`,
        "lorikeet convert trl/adapters --to mlx --out adapters",
        `lorikeet train --model ${base} --data my.jsonl --adapter-path runs/next --resume-adapter-file trl/adapters`,
      ].join("\n"),
    ),
  ].join("\n");
}
