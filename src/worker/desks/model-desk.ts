/**
 * The model of the page: chosen, described, fetched, on the GPU. Choosing another one lets the first go, with all it holds
 * on the GPU. What is fetched is kept in the store, so that a reload goes on where the network stopped.
 */
import { type ModelSource, readJson } from "../../core/bytes.ts";
import { type ErrorData, modelError } from "../../core/errors.ts";
import { type GgufBase, parseGgufBase } from "../../formats/gguf-base.ts";
import { openAgain, works } from "../../gpu/open.ts";
import type { WebGpuDevice } from "../../gpu/webgpu.ts";
import { type DownloadMeter, downloadMeter } from "../../hub/meter.ts";
import { describeModel, type ModelDescription } from "../../train/describe-model.ts";
import { TrainingSession } from "../../train/session.ts";
import type { Context } from "../context.ts";
import { affineOf, withBits } from "../models/coded-bits.ts";
import { described, titleOf } from "../models/described.ts";
import { type FoundModel, findModel } from "../models/find-model.ts";
import { keepFolder, keptFolderSource } from "../models/kept-folder.ts";
import { neededFiles } from "../models/needed.ts";
import type { CodedBits, DroppedFile, ModelChoice, ModelState } from "../protocol.ts";
import { errorData } from "../rpc.ts";

/** Milliseconds between two words about progress. */
const TELL_EVERY = 250;

const NOTHING: ModelState = {
  ...{ choice: null, title: "", phase: "none", facts: null, modules: [], hasChatTemplate: false, downloadBytes: null },
  ...{ transfer: null, kept: false, warning: null, error: null },
};

/** What a load ends with when another model is chosen meanwhile: nobody waits for it any more. */
export const SUPERSEDED = modelError("another model was chosen");

interface Chosen {
  readonly choice: ModelChoice;
  /** With the commit, where a branch may move on. */
  readonly pinned: ModelChoice;
  readonly source: ModelSource;
  readonly description: ModelDescription;
  readonly meter: DownloadMeter;
  /** Dropped files, until they are copied into the store. */
  readonly dropped: boolean;
}

export class ModelDesk {
  private readonly context: Context;
  private state: ModelState = NOTHING;
  private chosen: Chosen | null = null;
  private live: TrainingSession | null = null;
  private loading: Promise<TrainingSession> | null = null;
  /** Opened for the self-test, and waiting for its first model. */
  private spare: WebGpuDevice | null = null;
  private hadDevice = false;
  private work = new AbortController();
  /** Why the chosen model's files cannot be kept. */
  private unkept: ErrorData | null = null;
  /** For gated models; as long as the worker lives, so that earlier runs on them can be opened. */
  private token: string | undefined;

  constructor(context: Context) {
    this.context = context;
  }

  /** Of the chosen model; null before there is one. */
  get description(): ModelDescription | null {
    return this.chosen?.description ?? null;
  }

  /** Exactly this model, for a run to find again; null before it is read. */
  get pinned(): ModelChoice | null {
    return this.chosen?.pinned ?? null;
  }

  get title(): string {
    return this.state.title;
  }

  get limits() {
    return (this.live?.device ?? this.spare)?.limits;
  }

  /** The model on the GPU, or null. */
  get session(): TrainingSession | null {
    return this.live;
  }

  async device(): Promise<WebGpuDevice> {
    if (this.spare && !(await works(this.spare))) this.spare = null;
    this.spare ??= await (this.hadDevice ? openAgain(this.context.openDevice) : this.context.openDevice());
    this.hadDevice = true;
    return this.spare;
  }

  /** Reads config, tokenizer and headers; no weights. A refusal is the state as well. */
  async choose(
    choice: ModelChoice,
    { files, token }: { files?: readonly DroppedFile[] | undefined; token?: string | undefined } = {},
  ): Promise<void> {
    this.letGo();
    this.token = token ?? this.token;
    const { signal } = this.work;
    this.publish({ ...NOTHING, choice, title: titleOf(choice), phase: "reading" });
    try {
      const meter = downloadMeter();
      const found = await this.sourceOf(choice, { files, meter, signal });
      const { source } = found;
      const [exact, pinned] = [withBits(found.exact, choice.quantize), withBits(found.pinned, choice.quantize)];
      const description = await describeModel(source, affineOf(choice));
      const { bytes } = await neededFiles(source).catch(() => ({ bytes: null }));
      signal.throwIfAborted();
      this.chosen = { choice: exact, pinned, source, description, meter, dropped: files !== undefined };
      this.publish({
        ...this.state,
        choice: exact,
        title: titleOf(exact),
        ...described(description),
        warning: description.noTokenizer?.toData() ?? this.unkept,
        downloadBytes: bytes,
        phase: "known",
      });
    } catch (error) {
      if (signal.aborted) return; // another choice was made
      this.publish({ ...this.state, phase: "failed", error: errorData(error) });
      throw error;
    }
  }

  /** The same model with its weights coded to so many bits, or as published; what is on the GPU is given back. */
  async quantize(bits: CodedBits | null): Promise<void> {
    const { chosen } = this;
    if (!chosen) throw modelError("no model is chosen", "Choose one in the Model card.");
    const choice = withBits(chosen.choice, bits ?? undefined);
    const description = await describeModel(chosen.source, affineOf(choice));
    this.live?.dispose();
    this.live = null;
    this.chosen = { ...chosen, choice, pinned: withBits(chosen.pinned, choice.quantize), description };
    this.publish({ ...this.state, choice, ...described(description), phase: "known", transfer: null });
  }

  /** The session with the weights on the GPU; loads them when they are not there yet, or no longer. */
  async load(): Promise<TrainingSession> {
    await this.dropBroken();
    if (this.live) return this.live;
    this.chosen?.meter.resume();
    if (this.state.phase === "paused") this.publish({ ...this.state, phase: "loading" });
    this.loading ??= this.loadChosen().finally(() => {
      this.loading = null;
    });
    return this.loading;
  }

  /** What llama.cpp makes of a model, chosen or not; of its files only config.json is read. */
  async ggufBase(choice: ModelChoice): Promise<GgufBase> {
    const source = await this.sourceOfAny(choice);
    return parseGgufBase(await readJson(source, "config.json"), `${source.label}/config.json`);
  }

  /** What a model is, chosen or not; of its weights only the headers are read. */
  async describe(choice: ModelChoice): Promise<ModelDescription> {
    return this.isPinned(choice)
      ? this.chosen!.description
      : describeModel(await this.sourceOfAny(choice), affineOf(choice));
  }

  /** What is on its way stops where it is; `load` goes on. */
  pause(): void {
    if (this.state.phase !== "loading" || !this.chosen) return;
    this.chosen.meter.pause();
    this.publish({ ...this.state, phase: "paused" });
  }

  /** Its files were deleted; on the GPU it stays. */
  noteForgotten(kind: ModelChoice["kind"], name: string): void {
    if (this.state.choice?.kind === kind && this.state.title === name) this.publish({ ...this.state, kept: false });
  }

  /** A GPU that was lost, or ran out of memory, does nothing any more: the next `load` opens it anew. */
  async dropBroken(): Promise<void> {
    const { live } = this;
    if (!live || (await works(live.device)) || this.live !== live) return;
    live.dispose();
    this.live = null;
    this.publish({ ...this.state, phase: "known", transfer: null });
  }

  private async loadChosen(): Promise<TrainingSession> {
    const { chosen, work } = this;
    const { signal } = work;
    if (!chosen) throw modelError("no model is chosen", "Choose one in the Model card.");
    const total = this.state.downloadBytes ?? 0;
    this.publish({ ...this.state, phase: "loading", error: null, transfer: { done: 0, total, ...UNKNOWN_SPEED } });
    const progress = this.progress(chosen.meter);
    try {
      const source = chosen.dropped ? await this.keep(chosen, progress.note, signal) : chosen.source;
      const device = await this.device();
      // Here and not when the page opens: who only looks around does not wait for it.
      await this.context.tune(device);
      const session = new TrainingSession(device);
      this.spare = null;
      try {
        const { tokenizer } = chosen.description;
        await session.load(source, {
          onProgress: progress.note,
          signal,
          tokenizer,
          training: true,
          quantize: affineOf(chosen.choice),
        });
      } catch (error) {
        session.dispose();
        throw error;
      }
      signal.throwIfAborted();
      progress.end();
      this.live = session;
      const kept = this.state.kept || (chosen.choice.kind === "hub" && this.context.store.lasting);
      this.publish({ ...this.state, phase: "ready", transfer: null, kept: kept && this.unkept === null });
      return session;
    } catch (error) {
      progress.end();
      if (!signal.aborted) this.publish({ ...this.state, phase: "failed", transfer: null, error: errorData(error) });
      throw error;
    }
  }

  /** A dropped folder is copied first, so that a reload can go on; where there is no room it is read from where it lies. */
  private async keep(chosen: Chosen, tell: (done: number, total: number) => void, signal: AbortSignal) {
    const { store } = this.context;
    const { label } = chosen.source;
    try {
      await keepFolder(store, label, chosen.source, { onProgress: tell, signal });
      const kept = await keptFolderSource(store, label);
      if (!kept) return chosen.source;
      this.publish({ ...this.state, kept: store.lasting });
      this.chosen = { ...chosen, source: kept, dropped: false };
      return kept;
    } catch (error) {
      if (signal.aborted) throw error;
      this.noteUnkept(error);
      return chosen.source;
    }
  }

  private isPinned(choice: ModelChoice): boolean {
    return JSON.stringify(this.pinned) === JSON.stringify(choice);
  }

  private async sourceOfAny(choice: ModelChoice): Promise<ModelSource> {
    if (this.isPinned(choice)) return this.chosen!.source;
    const options = { meter: downloadMeter(), signal: new AbortController().signal };
    return (await this.sourceOf(choice, options)).source;
  }

  private sourceOf(
    choice: ModelChoice,
    { files, meter, signal }: { files?: readonly DroppedFile[] | undefined; meter: DownloadMeter; signal: AbortSignal },
  ): Promise<FoundModel> {
    const onCacheFailure = (error: unknown) => {
      if (!signal.aborted) this.noteUnkept(error);
    };
    return findModel(choice, this.context, { files, meter, signal, token: this.token, onCacheFailure });
  }

  /** Says how far it is, a few times a second. */
  private progress(meter: DownloadMeter) {
    let [done, total] = [0, this.state.downloadBytes ?? 0];
    // By the clock and not by the bytes: a line that stalls is seen to.
    const timer = setInterval(() => {
      const { bytesPerSecond, secondsLeft } = meter.reading(total - done);
      this.publish({ ...this.state, transfer: { done, total, bytesPerSecond, secondsLeft } });
    }, TELL_EVERY);
    return {
      note(newDone: number, newTotal: number) {
        [done, total] = [newDone, newTotal];
      },
      end: () => clearInterval(timer),
    };
  }

  private noteUnkept(error: unknown): void {
    this.unkept = errorData(error);
    this.publish({ ...this.state, warning: this.unkept });
  }

  private letGo(): void {
    this.unkept = null;
    this.work.abort(SUPERSEDED);
    this.work = new AbortController();
    this.live?.dispose();
    this.live = null;
    this.loading = null;
    this.chosen = null;
  }

  private publish(state: ModelState): void {
    this.state = state;
    this.context.publish({ type: "model", state });
  }
}

const UNKNOWN_SPEED = { bytesPerSecond: null, secondsLeft: null };
