/**
 * TrainingSession: load a model, train an adapter on it, ask it, take the adapter away. In process for the command line
 * and the tests; the page drives the same object through a worker. One thing runs at a time.
 */
import { type ModelSource, readJson } from "../core/bytes.ts";
import { configError, dataError, modelError } from "../core/errors.ts";
import { isJsonObject } from "../core/json.ts";
import type { RecordSet } from "../data/dataset.ts";
import { type EncodedDataset, type EncodeOptions, type Example, encodeDataset } from "../data/encode.ts";
import type { Device } from "../gpu/device.ts";
import type { Answer, AnswerVerdict } from "../health/answers.ts";
import type { Finding } from "../health/finding.ts";
import type { Adapter } from "../lora/adapter.ts";
import { type AttachedLora, attachAdapter, attachLora, detachAdapter, freeLora } from "../lora/attach.ts";
import { checkAdapterFits } from "../lora/fits.ts";
import { linearShapes, targetLayers } from "../lora/targets.ts";
import { type LoadOptions, loadModel } from "../models/load.ts";
import type { CausalLM } from "../models/model.ts";
import { loadTokenizer } from "../tokenizer/load.ts";
import { noTokenizer } from "../tokenizer/no-tokenizer.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { compileAhead } from "./compile-ahead.ts";
import type { TrainConfig } from "./config.ts";
import { type Evaluation, evaluate } from "./evaluate.ts";
import type { TrainEvent } from "./events.ts";
import { changedTensors, fingerprintBase } from "./fingerprint.ts";
import { type GenerateOptions, generate } from "./generate.ts";
import { computeLogits } from "./logits.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { planFor } from "./memory-plan.ts";
import { judgeMemory, preflight } from "./preflight.ts";
import { type Manner, type Probe, ProbeRounds } from "./probes.ts";
import { Trainer } from "./trainer.ts";
import { type Check, type TrainedFacts, verifyAdapter } from "./verify.ts";

export interface TrainRequest {
  readonly config: TrainConfig;
  readonly train: readonly Example[];
  readonly valid: readonly Example[];
  /** Start from these factors instead of fresh ones; moments and step start anew. */
  readonly initial?: Adapter | undefined;
  /** Go on exactly where this checkpoint stood. */
  readonly checkpoint?: { readonly name: string; readonly bytes: Uint8Array } | undefined;
  /** Questions answered at the start, every `stepsPerSample` updates, and at the end. */
  readonly probes?: readonly Probe[] | undefined;
  /** Answers of the plain base by `probeKey`; those asked for during the run are added. */
  readonly baseAnswers?: Map<string, Answer> | undefined;
  /** Of a resumed run: the verdict on its answers that was told last. */
  readonly toldAnswers?: AnswerVerdict | undefined;
  /** What the voice is measured by, at the end. */
  readonly manner?: Manner | null | undefined;
  /** Memory of this machine, where there is an idea of it. */
  readonly budget?: MemoryBudget | undefined;
  /** What was found when the records were read. */
  readonly findings?: readonly Finding[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SessionLoad extends LoadOptions {
  /** One that was read before. */
  readonly tokenizer?: Tokenizer | null;
  /** The kernels of a training step are compiled meanwhile. */
  readonly training?: boolean;
}

export class TrainingSession {
  readonly device: Device;
  private loaded: { model: CausalLM; source: ModelSource } | null = null;
  private encoder: Tokenizer | null = null;
  private lora: AttachedLora | null = null;
  private paused: { promise: Promise<void>; go(): void } | null = null;

  constructor(device: Device) {
    this.device = device;
  }

  get model(): CausalLM {
    if (!this.loaded) throw modelError("no model is loaded");
    return this.loaded.model;
  }

  /** Throws ModelError where a model is loaded already, or this one cannot be. */
  async load(source: ModelSource, { tokenizer, training, ...options }: SessionLoad = {}): Promise<CausalLM> {
    if (this.loaded) throw modelError("a model is loaded already; open a new session for another");
    // What goes wrong with it is said by the step that needs it.
    const onPlaced = (model: CausalLM) => void compileAhead(this.device, model).catch(() => undefined);
    const model = await loadModel(source, this.device, { ...options, ...(training && { onPlaced }) });
    this.loaded = { model, source };
    this.encoder = tokenizer ?? null;
    return this.loaded.model;
  }

  /** The model's tokenizer, read when first needed: pre-tokenised data works without one. */
  async tokenizer(): Promise<Tokenizer> {
    if (!this.loaded) throw modelError("no model is loaded");
    this.encoder ??= await loadTokenizer(this.loaded.source);
    return this.encoder;
  }

  /** Records → examples for this model. Throws DataError when nothing is left to learn from. */
  async encode(
    set: RecordSet,
    options: Pick<EncodeOptions, "maxSeqLength" | "maskPrompt">,
    { allowEmpty = false } = {},
  ): Promise<EncodedDataset> {
    const { config } = this.model;
    const tokenizer = set.records.every(({ kind }) => kind === "tokens") ? noTokenizer : await this.tokenizer();
    const encoded = encodeDataset(set.records, tokenizer, {
      where: set.name,
      ...options,
      maxSeqLength: Math.min(options.maxSeqLength, config.max_position_embeddings),
      vocabSize: config.vocab_size,
    });
    if (encoded.examples.length > 0 || allowEmpty) return encoded;
    throw dataError(
      `${set.name}: none of its ${encoded.report.records} records has a token that carries loss`,
      "Raise --max-seq-length, or check that the records have answers.",
    );
  }

  /** Trains; yields what happens. When it ends, the chosen adapter is on the model. */
  async *train(request: TrainRequest): AsyncGenerator<TrainEvent> {
    const { config, train, valid, initial, checkpoint, probes = [], manner = null, findings = [], signal } = request;
    this.removeAdapter();
    const { model, device } = this;
    if (initial) checkAdapterFits(initial, linearShapes(model.tree));
    const planned = initial
      ? initial.factors.map(({ module }) => module)
      : targetLayers(model.tree, config).map(({ path }) => path);
    const lora = initial
      ? attachAdapter(model.tree, device, initial, { trainable: true, dropout: config.dropout })
      : await attachLora(model.tree, device, { ...config, trainable: true });
    this.lora = lora;
    const { encoder: tokenizer } = this;
    const { budget = null } = request;
    const found = preflight({ model, lora, planned, config, train, tokenizer });
    // After the labels: records without any cannot be planned for.
    const memory = await planFor(this, config, train, budget);
    yield { type: "preflight", findings: [...found, judgeMemory(memory, budget), ...findings] };
    const base = await fingerprintBase(device, model);
    const rounds = new ProbeRounds(this, probes, manner, request.baseAnswers ?? new Map(), request.toldAnswers);
    const gate = () => this.paused?.promise ?? null;
    const probe = (step: number, kept: number | null) => rounds.at(step, kept, signal);
    const { blocks } = memory;
    const trainer = new Trainer({ device, model, lora, config, train, valid, blocks, gate, probe, signal });
    try {
      if (checkpoint) trainer.restore(await readCheckpoint(checkpoint.name, checkpoint.bytes, trainer.runIdentity));
      for await (const event of trainer.run()) {
        if (event.type !== "done") {
          yield event;
          continue;
        }
        this.setAdapter(event.adapter);
        const baseChanged = changedTensors(base, await fingerprintBase(device, model));
        yield { ...event, baseChanged, answers: rounds.verdict };
      }
    } finally {
      trainer.free();
    }
  }

  pause(): void {
    if (this.paused) return;
    let go = () => {};
    const promise = new Promise<void>((resolve) => {
      go = resolve;
    });
    this.paused = { promise, go };
  }

  resume(): void {
    this.paused?.go();
    this.paused = null;
  }

  /** Puts an adapter on the model, for evaluation and generation. Throws ModelError listing what does not fit. */
  setAdapter(adapter: Adapter): void {
    checkAdapterFits(adapter, linearShapes(this.model.tree));
    this.removeAdapter();
    this.lora = attachAdapter(this.model.tree, this.device, adapter, { trainable: false });
  }

  get adapted(): boolean {
    return this.lora !== null;
  }

  /** Back to the plain base. */
  removeAdapter(): void {
    if (!this.lora) return;
    detachAdapter(this.model.tree);
    freeLora(this.device, this.lora);
    this.lora = null;
  }

  /** Yields the new ids; with `base`, as the model answers without its adapter. */
  generate(
    prompt: readonly number[],
    { base = false, ...options }: Partial<GenerateOptions> & { readonly base?: boolean } = {},
  ): AsyncGenerator<number> {
    const stopIds = options.stopIds ?? new Set(this.model.config.eos_token_id);
    const ids = generate(this.device, this.model, prompt, { ...DEFAULT_GENERATION, ...options, stopIds });
    return base ? withoutAdapter(this.model, ids) : ids;
  }

  /** The ends of an answer that config.json, generation_config.json and the tokenizer name. */
  async stopIds(): Promise<Set<number>> {
    if (!this.loaded) throw modelError("no model is loaded");
    const { model, source } = this.loaded;
    const eos = (await this.tokenizer().catch(() => noTokenizer)).special.eos;
    return new Set([...model.config.eos_token_id, ...(await generationEos(source)), ...(eos ? [eos.id] : [])]);
  }

  evaluate(examples: readonly Example[], batchSize: number, signal?: AbortSignal): Promise<Evaluation> {
    return evaluate(this.device, this.model, examples, { batchSize, signal });
  }

  /** f32 [T, V] of one sequence. */
  async logits(ids: ArrayLike<number>): Promise<Float32Array> {
    if (ids.length === 0) throw configError("logits of an empty sequence do not exist");
    const input_ids = Uint32Array.from(ids);
    const positions = input_ids.map((_, i) => i);
    return computeLogits(this.device, this.model, { input_ids, positions, starts: new Uint32Array(ids.length) });
  }

  /** Checks the adapter and the files it was written to; `course`: and the run it came from, once that has ended. */
  verify(
    adapter: Adapter,
    written: ModelSource,
    examples: readonly Example[],
    course: TrainedFacts | null,
  ): Promise<Check[]> {
    return verifyAdapter(this.device, this.model, adapter, written, examples, course);
  }

  dispose(): void {
    this.device.destroy();
  }
}

/** Each id is made with the adapter off; between two ids it is on, so that another answer can be made beside this one. */
async function* withoutAdapter(model: CausalLM, ids: AsyncGenerator<number>): AsyncGenerator<number> {
  for (;;) {
    const adapter = detachAdapter(model.tree);
    // A program is recorded before anything is waited for; whoever uses the model meanwhile finds it as it was.
    const making = ids.next();
    adapter.putBack();
    const next = await making;
    if (next.done) return;
    yield next.value;
  }
}

async function generationEos(source: ModelSource): Promise<number[]> {
  const generation = await readJson(source, "generation_config.json");
  const named = isJsonObject(generation) ? generation.eos_token_id : undefined;
  return (Array.isArray(named) ? named : [named]).filter((id): id is number => Number.isSafeInteger(id));
}

const DEFAULT_GENERATION = { maxTokens: 128, temperature: 0, seed: 0 };
