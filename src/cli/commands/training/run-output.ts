/**
 * What a run leaves behind in its folder. Nothing is there before the first update has worked; an adapter is moved into
 * place only after it was read back and checked; and if nothing usable came of the run, its traces are removed.
 */
import { appendFile, copyFile, mkdir, readFile, rename, rm, rmdir } from "node:fs/promises";
import path from "node:path";
import type { ModelSource } from "../../../core/bytes.ts";
import type { JsonValue } from "../../../core/json.ts";
import type { Adapter } from "../../../lora/adapter.ts";
import { type AdapterFile, exportMlx } from "../../../lora/export.ts";
import type { DoneEvent, SaveEvent, StepEvent } from "../../../train/events.ts";
import { metricsLine } from "../../../train/run-record.ts";
import { type Check, type TrainedFacts, WRITTEN_RIGHT } from "../../../train/verify.ts";
import { type MadeFolder, makeFolder, writeWhole } from "../../node/files.ts";
import { folderSource } from "../../node/folder.ts";
import type { Records } from "./record.ts";
import type { Origin } from "./request.ts";

export const ADAPTER_FILE = "adapters.safetensors";
const ADAPTER_CONFIG = "adapter_config.json";
export const CHECKPOINT_FILE = "checkpoint.safetensors";
const METRICS_FILE = "metrics.jsonl";
const RECORD_FILE = "run.json";
export const REPORT_FILE = "report.html";

/** Checks an adapter against the files it was written to, and against its run once that has ended. */
export type Verify = (adapter: Adapter, written: ModelSource, run: TrainedFacts | null) => Promise<Check[]>;

/** Where an adapter whose answers have collapsed is kept: not where anybody would take it for a good one. */
export const COLLAPSED = "collapsed";

export interface OutputOptions {
  readonly folder: string;
  readonly origin: Origin;
  readonly saveEvery: number;
  /** Further keys of adapter_config.json. */
  readonly extras: Readonly<Record<string, JsonValue>>;
}

export class RunOutput {
  private readonly options: OutputOptions;
  private made: MadeFolder | null = null;
  /** A checkpoint of this run is there. */
  private usable = false;
  /** An adapter of this run is there. */
  private placed = false;

  constructor(options: OutputOptions) {
    this.options = options;
  }

  at(name: string): string {
    return path.join(this.options.folder, name);
  }

  /** One line of metrics.jsonl. The first makes the folder. */
  async step(event: StepEvent): Promise<void> {
    if (!this.made) await this.begin();
    await appendFile(this.at(METRICS_FILE), metricsLine(event));
  }

  /**
   * The checkpoint; and where one is due, the adapter as it is now, under its usual name and under its number. Half-way an
   * adapter need not have moved everywhere, but its file must give the live logits, or it is not put there.
   */
  async save({ step, adapter, checkpoint }: SaveEvent, verify: Verify): Promise<void> {
    if (!this.made) await this.begin();
    const { saveEvery } = this.options;
    if (saveEvery > 0 && step % saveEvery === 0) {
      const right = ({ name, passed }: Check) => name === WRITTEN_RIGHT && passed;
      const verifyFile = (written: ModelSource) => verify(adapter, written, null);
      const { placed } = await this.place(adapter, "", verifyFile, (checks) => checks.some(right));
      const numbered = `${String(step).padStart(7, "0")}_${ADAPTER_FILE}`;
      if (placed) await copyFile(this.at(ADAPTER_FILE), this.at(numbered));
    }
    await writeWhole(this.at(CHECKPOINT_FILE), checkpoint);
    this.usable = true;
  }

  /**
   * Writes the adapter to keep, if every check passes; else one that this run has put there before, in this sitting or an
   * earlier one, is removed. One that is right in itself but whose answers have collapsed goes into a folder of that name,
   * from which a good one removes what lies there. `place`: where it lies now.
   */
  async finish(
    run: TrainedFacts & Pick<DoneEvent, "adapter">,
    verify: Verify,
  ): Promise<{ checks: Check[]; place: string | null }> {
    const { adapter, answers } = run;
    const sound = (checks: readonly Check[]) => checks.every(({ passed, about }) => passed || about === "answers");
    const earlier = this.placed || this.goesOnHere;
    const collapsed = answers?.verdict === "collapsed";
    const folder = collapsed ? COLLAPSED : "";
    const { checks, placed } = await this.place(adapter, folder, (written) => verify(adapter, written, run), sound);
    if (earlier && (collapsed || !placed)) await this.clear("");
    if (placed && !collapsed) {
      await this.clear(COLLAPSED);
      // Somebody's own files stay, and the folder with them; mostly there is none.
      await rmdir(this.at(COLLAPSED)).catch(() => {});
    }
    return { checks, place: placed ? this.at(folder) : null };
  }

  /** Writes the adapter aside, has it read back and checked, and moves it into `folder` when the checks are good. */
  private async place(
    adapter: Adapter,
    folder: string,
    verify: (written: ModelSource) => Promise<Check[]>,
    good: (checks: readonly Check[]) => boolean,
  ) {
    const staging = this.at(`.unverified-${process.pid}`);
    await mkdir(staging);
    try {
      const files = this.filesOf(adapter);
      for (const file of files) await writeWhole(path.join(staging, file.path), file.bytes);
      const checks = await verify(folderSource(staging));
      const placed = good(checks);
      if (placed) await mkdir(this.at(folder), { recursive: true });
      if (placed)
        for (const { path: name } of files) await rename(path.join(staging, name), this.at(path.join(folder, name)));
      this.placed ||= placed;
      return { checks, placed };
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  }

  async record({ record, report }: Records): Promise<void> {
    await writeWhole(this.at(RECORD_FILE), `${JSON.stringify(record, null, 2)}\n`);
    await writeWhole(this.at(REPORT_FILE), report);
  }

  /** After a failure: keeps what can be gone on from, with a record of what happened; removes everything else. */
  async abandon(run: Records): Promise<void> {
    if (!this.made) return;
    if (this.usable) return this.record(run);
    for (const name of [METRICS_FILE, RECORD_FILE, REPORT_FILE]) await rm(this.at(name), { force: true });
    await this.made.takeBack();
  }

  /** The run was begun in this folder, so what lies in it is of this run. */
  private get goesOnHere(): boolean {
    const { folder, origin } = this.options;
    return origin.kind === "checkpoint" && path.resolve(path.dirname(origin.path)) === path.resolve(folder);
  }

  /** Removes the adapter that lies in `folder`. */
  private async clear(folder: string): Promise<void> {
    for (const name of [ADAPTER_FILE, ADAPTER_CONFIG]) await rm(this.at(path.join(folder, name)), { force: true });
  }

  private filesOf(adapter: Adapter): AdapterFile[] {
    return exportMlx(adapter, this.options.extras);
  }

  private async begin(): Promise<void> {
    const { folder, origin } = this.options;
    const before = origin.kind === "checkpoint" ? await earlierMetrics(origin.path, origin.step) : "";
    this.made = await makeFolder(folder);
    await writeWhole(this.at(METRICS_FILE), before);
  }
}

/** The lines of the run up to the checkpoint: those after it were updates that are made again now. */
async function earlierMetrics(checkpoint: string, step: number): Promise<string> {
  const file = path.join(path.dirname(checkpoint), METRICS_FILE);
  const text = await readFile(file, "utf8").catch(() => "");
  const lines = text.split("\n").filter((line) => line !== "");
  return lines
    .filter((line) => JSON.parse(line).step <= step)
    .map((line) => `${line}\n`)
    .join("");
}
