/**
 * The dataset of the page: read, detected, mapped, examined for the chosen model, split. The files are kept in the store,
 * so that a reload finds them again. Each new request stops the examination of the one before.
 */
import type { ByteSource } from "../../core/bytes.ts";
import { configError, dataError, LorikeetError } from "../../core/errors.ts";
import { cleanedJsonl, cleanedName } from "../../data/clean.ts";
import type { RecordSet } from "../../data/dataset.ts";
import { type Diagnosis, examine, selectRecords } from "../../data/doctor.ts";
import { lengthHistogram } from "../../data/histogram.ts";
import { type ColumnMapping, detectForm, mappingProblem } from "../../data/mapping.ts";
import { previewExample, recordRow } from "../../data/preview.ts";
import { type Split, splitRecords } from "../../data/split.ts";
import { loadTable, type Table } from "../../data/tables.ts";
import { noTokenizer } from "../../tokenizer/no-tokenizer.ts";
import { resolveConfig, type TrainConfig } from "../../train/config.ts";
import { type Probe, probesOf, questionText } from "../../train/probes.ts";
import type { Context } from "../context.ts";
import { type DataFiles, fetchSample, keepFiles, keptFiles, sortFiles } from "../data-files.ts";
import type { DataState, DroppedFile, ExamplePreview, NamedBlob, RecordRow } from "../protocol.ts";
import { errorData } from "../rpc.ts";
import type { RunRecords } from "../runs/run-folder.ts";
import type { ModelDesk } from "./model-desk.ts";

const NOTHING: DataState = {
  ...{ phase: "none", source: null, title: "", progress: null, columns: [], needsMapping: false, proposal: null },
  ...{ mapping: null, diagnosis: null, histogram: null, split: null, questions: [], error: null },
};

const QUESTIONS = 8;

interface Tables {
  readonly train: Table;
  readonly validation: Table | null;
}

/** What an examination found, for the model and the knobs it was made for. */
interface Examined {
  readonly diagnosis: Diagnosis;
  readonly records: RecordSet;
  readonly split: Split;
  readonly mapping: ColumnMapping | null;
  readonly probes: readonly Probe[];
}

export class DataDesk {
  private readonly context: Context;
  private readonly models: ModelDesk;
  private state: DataState = NOTHING;
  private tables: Tables | null = null;
  private examined: Examined | null = null;
  private config: TrainConfig = resolveConfig({}, "data");
  private work = new AbortController();

  constructor(context: Context, models: ModelDesk) {
    this.context = context;
    this.models = models;
  }

  get title(): string {
    return this.state.title;
  }

  /** Of the records aside for validation, or of the first to train on. */
  get probes(): readonly Probe[] {
    return this.examined?.probes ?? [];
  }

  /** Of the records to train on; null before they are known. */
  get lengths(): { tokens: number; supervised: number }[] | null {
    if (!this.examined) return null;
    const { lengths, supervised, tokens } = this.examined.diagnosis.train;
    const share = tokens === 0 ? 0 : supervised / tokens;
    const limit = this.limit(this.config);
    return this.examined.split.train.map((i) => {
      const length = Math.min(lengths[i]!, limit);
      return { tokens: length, supervised: Math.max(1, Math.round(length * share)) };
    });
  }

  openFiles(files: readonly DroppedFile[] | null): Promise<void> {
    return this.open("files", async () => {
      if (!files) return keptFiles(this.context.store);
      const sorted = sortFiles(files);
      await keepFiles(this.context.store, sorted);
      return sorted;
    });
  }

  openSample(): Promise<void> {
    return this.open("sample", () => fetchSample(this.context));
  }

  /** Reads the records with these columns; null: as they are detected. Throws ConfigError for a mapping that cannot work. */
  async map(mapping: ColumnMapping | null): Promise<void> {
    const problem = mapping && mappingProblem(mapping);
    if (problem) throw configError(problem);
    this.publish({ ...this.state, mapping });
    await this.examine(this.config);
  }

  async modelChanged(): Promise<void> {
    if (this.tables) await this.examine(this.config);
  }

  /** Looks at every record as the model would see it. What is found is the state; nothing is thrown. */
  async examine(config: TrainConfig): Promise<void> {
    this.config = config;
    const { tables } = this;
    const model = this.models.description;
    if (!tables) return;
    this.examined = null;
    const { signal } = this.restart();
    if (!model) return this.publish({ ...this.state, phase: "ready", ...UNEXAMINED });
    this.publish({ ...this.state, phase: "checking", progress: 0, error: null });
    try {
      const { mapping } = this.state;
      const diagnosis = await examine(tables, model.tokenizer ?? noTokenizer, {
        ...{ mapping, signal, maxSeqLength: this.limit(config), maskPrompt: config.maskPrompt },
        vocabSize: model.config.vocab_size,
        onProgress: (done, total) => this.publish({ ...this.state, progress: total === 0 ? 1 : done / total }),
      });
      const records = selectRecords(tables.train, diagnosis.train.kept, mapping);
      const own = tables.validation !== null;
      const split = splitRecords(records.records, { seed: config.seed, fraction: own ? 0 : 0.1 });
      const asked = own
        ? selectRecords(tables.validation!, diagnosis.validation!.kept, mapping).records
        : split.validation.map((i) => records.records[i]!);
      const probes = probesOf(asked.length > 0 ? asked : records.records, QUESTIONS);
      this.examined = { diagnosis, records, split, mapping, probes };
      this.publish({
        ...this.state,
        ...{ phase: "ready", progress: null, diagnosis },
        histogram: lengthHistogram(diagnosis.train.lengths, { limit: this.limit(config) }),
        split: { train: split.train.length, valid: asked.length, own },
        questions: [...new Set(probes.map(questionText))],
        error: diagnosis.train.kept.length === 0 ? nothingUsable(tables.train).toData() : null,
      });
    } catch (error) {
      if (!signal.aborted) this.publish({ ...this.state, phase: "failed", progress: null, error: errorData(error) });
    }
  }

  rows(offset: number, count: number): RecordRow[] {
    return (this.examined?.records.records ?? []).slice(offset, offset + count).map((record) => recordRow(record));
  }

  /** The kept record of this number as the model will see it. */
  preview(index: number, config: TrainConfig): ExamplePreview {
    const record = this.examined?.records.records[index];
    const model = this.models.description;
    if (!record || !model) throw dataError(`there is no record ${index + 1} to show`);
    const { maskPrompt } = config;
    const options = { maxSeqLength: this.limit(config), maskPrompt, vocabSize: model.config.vocab_size };
    return previewExample(record, model.tokenizer ?? noTokenizer, options);
  }

  cleaned(): NamedBlob {
    const { examined, tables } = this;
    if (!examined || !tables) throw dataError("there is no examined data to clean yet");
    const parts = [...cleanedJsonl(tables.train, examined.diagnosis.train, examined.mapping)];
    return { name: cleanedName(tables.train.name), blob: new Blob(parts, { type: "application/jsonl" }) };
  }

  /** What a run trains and validates on, as JSON lines: mapped, without faulty rows, split. Throws when that is nothing. */
  runRecords(): RunRecords {
    const { examined, tables } = this;
    if (!examined || !tables) throw dataError("no data is ready", "Open a dataset in the Data card.", "bad-dataset");
    const { diagnosis, split, mapping } = examined;
    const lines = (table: Table, kept: readonly number[]) =>
      joined([...cleanedJsonl(table, { kept, duplicates: [] }, mapping)]);
    const rowsOf = (indices: readonly number[]) => indices.map((i) => diagnosis.train.kept[i]!);
    if (split.train.length === 0) throw nothingUsable(tables.train);
    const own = tables.validation && lines(tables.validation, diagnosis.validation!.kept);
    const aside = split.validation.length > 0 ? lines(tables.train, rowsOf(split.validation)) : null;
    return { train: lines(tables.train, rowsOf(split.train)), valid: own ?? aside };
  }

  private async open(source: "sample" | "files", files: () => Promise<DataFiles>): Promise<void> {
    const { signal } = this.restart();
    this.tables = null;
    this.examined = null;
    this.publish({ ...NOTHING, phase: "reading", source, title: source === "sample" ? "Sample dataset" : "" });
    try {
      const { train, validation } = await files();
      const title = source === "sample" ? "Sample dataset" : train.name;
      this.publish({ ...this.state, title });
      const read = (file: ByteSource) => loadTable(file, { signal });
      this.tables = { train: await read(train), validation: validation && (await read(validation)) };
      const { columns, needsMapping, proposal } = detectForm(this.tables.train.rows);
      // A guess is better than nothing to look at; the page says that it is one.
      this.publish({ ...this.state, columns, needsMapping, proposal, mapping: needsMapping ? proposal : null });
    } catch (error) {
      if (signal.aborted) return;
      this.publish({ ...this.state, phase: "failed", error: errorData(error) });
      throw error;
    }
    await this.examine(this.config);
  }

  private limit({ maxSeqLength }: TrainConfig): number {
    return Math.min(maxSeqLength, this.models.description?.config.max_position_embeddings ?? maxSeqLength);
  }

  private restart(): AbortController {
    this.work.abort(new LorikeetError("data", "another dataset was asked for"));
    this.work = new AbortController();
    return this.work;
  }

  private publish(state: DataState): void {
    this.state = state;
    this.context.publish({ type: "data", state });
  }
}

const UNEXAMINED = { progress: null, diagnosis: null, histogram: null, split: null, questions: [] };

/** Every row was left out, for its content or because it cannot be read; or there is none. */
function nothingUsable({ name, rows, faults }: Table): LorikeetError {
  const because = (what: string, hint: string) => dataError(`${name}: ${what}`, hint, "bad-dataset");
  if (rows.length > 0) {
    return because("no record can be used", "The findings say why. Columns with other names can be mapped by hand.");
  }
  if (faults.length === 0) return because("expected records, got an empty file", "Choose a file with a record in it.");
  const garbled = faults.filter((fault) => fault.includes("expected UTF-8")).length;
  return garbled > faults.length / 2
    ? because("expected text in UTF-8, got something else", "It is another kind of file, or text in an older encoding.")
    : because("no row can be read", "The findings name each line and what is wrong with it.");
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
