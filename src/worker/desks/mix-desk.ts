/**
 * Adapters of several runs, each with a weight, as one on the model: the exact sum, as `lorikeet generate` stacks them. It
 * stands until another adapter takes its place, and is written down nowhere: only its files go on.
 */
import { configError, modelError } from "../../core/errors.ts";
import type { Adapter } from "../../lora/adapter.ts";
import { summed, type WeightedAdapter } from "../../lora/combine.ts";
import { checkAdapterFits } from "../../lora/fits.ts";
import { importAdapter } from "../../lora/import.ts";
import { type Resized, truncateAdapter } from "../../lora/resize.ts";
import { linearShapes } from "../../lora/targets.ts";
import type { TrainingSession } from "../../train/session.ts";
import type { Context } from "../context.ts";
import { baseOf, type EngineEvent, type MixFile, type MixLoss, type MixPart, type MixState } from "../protocol.ts";
import { makeMixFile } from "../runs/mix-files.ts";
import { openRunFolder, type StoredRun } from "../runs/run-folder.ts";
import type { AnswerDesk } from "./answer-desk.ts";
import type { ModelDesk } from "./model-desk.ts";
import type { RunDesk } from "./run-desk.ts";

interface Desks {
  readonly models: ModelDesk;
  readonly run: RunDesk;
  readonly answers: AnswerDesk;
}

interface ReadPart extends WeightedAdapter {
  readonly stored: StoredRun;
}

export class MixDesk {
  private readonly context: Context;
  private readonly desks: Desks;
  private stands: { readonly state: MixState; readonly adapter: Adapter } | null = null;

  constructor(context: Context, desks: Desks) {
    this.context = context;
    this.desks = desks;
  }

  /** What is on the model; null while no mix stands. */
  get adapter(): Adapter | null {
    return this.stands?.adapter ?? null;
  }

  /**
   * Puts the sum on the model in place of what is there. The shown run alone with weight 1 is its adapter as it is, and
   * ends a mix.
   * @throws ConfigError for parts that are none, ModelError for adapters that do not fit the model or have no sum. What
   * was on the model stays then.
   */
  async mix(session: TrainingSession, parts: readonly MixPart[]): Promise<void> {
    const { models, run, answers } = this.desks;
    checkParts(parts);
    const read = await this.read(parts);
    const linears = linearShapes(session.model.tree);
    for (const { name, adapter } of read) checkAdapterFits(adapter, linears, name);
    const blocks = session.model.config.num_hidden_layers;
    const adapter: Adapter = { ...summed(read), num_hidden_layers: blocks };
    // Reading took a while.
    if (models.session !== session) throw modelError("the model is no longer loaded", "Load it in the Model card.");
    if (answers.busy) throw configError("Mixing adapters: a question is being answered", "Stop that answer first.");
    session.setAdapter(adapter);
    const [first] = parts;
    const alone = parts.length === 1 && first?.id === run.id && first?.weight === 1;
    if (alone) return this.end();
    const mixed = read.map(({ stored: { id, title, began }, weight }) => ({ id, title, began, weight }));
    const largest = Math.max(...read.map((part) => part.adapter.rank));
    const state = { parts: mixed, rank: adapter.rank, largest };
    this.stands = { state, adapter };
    this.context.publish({ type: "mix", state });
  }

  /** A run that begins, is shown or ends, and a model that goes off the GPU, take the mix with them. */
  hear(event: EngineEvent): void {
    if (event.type === "run" || (event.type === "model" && event.state.phase !== "ready")) this.end();
  }

  /** Of the mix that stands, cut to `rank`; null: as it is. */
  loss(rank: number | null): MixLoss {
    const { adapter, layers, error } = this.limited(rank);
    const worst = layers.toSorted((a, b) => b.error - a.error)[0];
    const numbers = adapter.factors.reduce((sum, one) => sum + one.rank * (one.in_features + one.out_features), 0);
    return { rank: adapter.rank, error, worst: worst && worst.error > 0 ? worst : null, bytes: 4 * numbers };
  }

  async file(file: MixFile, rank: number | null) {
    const { adapter, error } = this.limited(rank);
    const { parts, rank: whole } = this.standing().state;
    const method = adapter.rank < whole ? "svd" : "cat";
    const { title: modelTitle } = this.desks.models;
    return makeMixFile(file, adapter, { modelTitle, parts, method, rank: adapter.rank, leftOut: error });
  }

  private limited(rank: number | null): Resized {
    const { adapter } = this.standing();
    if (rank === null) return { adapter, layers: [], error: 0 };
    if (Number.isSafeInteger(rank) && rank >= 1) return truncateAdapter(adapter, rank);
    throw configError(`rank: expected a whole number from 1 on, got ${rank}`);
  }

  private standing() {
    if (this.stands) return this.stands;
    throw configError("no mix is on the model", "Mix adapters in the Check card first.");
  }

  private end(): void {
    if (!this.stands) return;
    this.stands = null;
    this.context.publish({ type: "mix", state: null });
  }

  private async read(parts: readonly MixPart[]): Promise<ReadPart[]> {
    const runs = await Promise.all(parts.map(({ id }) => openRunFolder(this.context.store, id)));
    const titles = runs.map(({ state }) => state.title);
    const { pinned, title: model } = this.desks.models;
    const read: ReadPart[] = [];
    for (const [i, { folder, state: stored }] of runs.entries()) {
      const { title, id } = stored;
      const name = titles.filter((one) => one === title).length > 1 ? `${title} (${id})` : title;
      if (!stored.outcome?.usable)
        throw modelError(`${name}: this run has no adapter to mix`, "Leave it out, or train it again.");
      if (!pinned || baseOf(stored.model) !== baseOf(pinned)) {
        throw modelError(`${name}: expected an adapter of ${model}, got one of ${stored.modelTitle}`, "Leave it out.");
      }
      read.push({ name, stored, adapter: await importAdapter(folder.source()), weight: parts[i]!.weight });
    }
    return read;
  }
}

function checkParts(parts: readonly MixPart[]): void {
  if (parts.length === 0) throw configError("Mixing adapters: expected at least one run, got none");
  if (new Set(parts.map(({ id }) => id)).size < parts.length)
    throw configError("Mixing adapters: a run is named twice", "Give it one weight.");
  for (const { id, weight } of parts) {
    if (!Number.isFinite(weight)) throw configError(`${id}: expected a number as its weight, got ${weight}`);
  }
}
