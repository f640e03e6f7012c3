/** A run's job for other tools, out of its own folder: its knobs, its records, and the adapter that was verified. */
import { modelError, Problems } from "../../core/errors.ts";
import { readRecords } from "../../data/dataset.ts";
import type { HandoffModel, HandoffSet } from "../../handoff/job.ts";
import { importAdapter } from "../../lora/import.ts";
import type { ModelDescription } from "../../train/describe-model.ts";
import type { ModelChoice } from "../protocol.ts";
import { type RunFolder, type StoredRun, TRAIN_FILE, VALID_FILE } from "./run-folder.ts";

/** The files by their paths. Throws ModelError when the records or the adapter are gone. */
export async function handoffFolder(
  folder: RunFolder,
  state: StoredRun,
  model: ModelDescription,
): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const train = await recordsOf(folder, TRAIN_FILE);
  if (!train) throw modelError("the records of the run are gone", "Start a new run.");
  const adapter = await importAdapter(folder.source());
  const { config } = model;
  // Only who hands a job over loads it.
  const { handoffFiles } = await import("../../handoff/handoff.ts");
  const files = handoffFiles({
    ...{ model: named(state.model, config.quantization !== null), config: state.config, done: doneOf(state) },
    ...{ adapter, modules: adapter.factors.map(({ module }) => module), tokenizer: model.tokenizer },
    ...{ blocks: config.num_hidden_layers, vocabSize: config.vocab_size, maxPositions: config.max_position_embeddings },
    ...{ train, valid: await recordsOf(folder, VALID_FILE) },
  });
  return Object.fromEntries(files.map(({ path, bytes }) => [path, bytes]));
}

async function recordsOf(folder: RunFolder, name: string): Promise<HandoffSet | null> {
  const file = await folder.open(name);
  if (!file) return null;
  const problems = new Problems();
  const { records } = await readRecords({ ...file, name }, problems);
  problems.throwIfAny("data", name);
  return { name, records };
}

/** Updates behind the adapter. A run that ended by itself is complete, whichever adapter it kept. */
const doneOf = ({ status, totalSteps, outcome }: StoredRun): number =>
  status === "stopped" && outcome ? outcome.done.chosenStep : totalSteps;

function named(choice: ModelChoice, quantized: boolean): HandoffModel {
  switch (choice.kind) {
    case "hub":
      return { name: choice.id, revision: choice.revision, quantized };
    case "demo":
      return { name: "demo", note: "demo stands for public/demo in Lorikeet's repository.", quantized };
    case "folder": {
      const name = `path/to/${choice.name}`;
      return { name, note: `${name} stands for the folder that was trained from.`, quantized };
    }
  }
}
