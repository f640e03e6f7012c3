/**
 * A run in the store, as a folder of its own: what it was asked to do, the records it trains on, everything that happened,
 * its checkpoint and its adapter. Enough to go on after a crash without the page that started it.
 */
import type { ModelSource } from "../../core/bytes.ts";
import { modelError } from "../../core/errors.ts";
import { parseJson } from "../../core/json.ts";
import { resolveConfig, type TrainConfig } from "../../train/config.ts";
import type { ModelChoice, RunEvent, RunOutcome } from "../protocol.ts";
import type { Store } from "../storage/store.ts";

/** state.json */
export interface StoredRun {
  readonly id: string;
  readonly title: string;
  readonly model: ModelChoice;
  readonly modelTitle: string;
  readonly dataTitle: string;
  readonly began: number;
  /** "running" in a run that nobody runs: its tab went away. */
  readonly status: "running" | "finished" | "stopped" | "failed";
  readonly config: TrainConfig;
  readonly probes: readonly string[];
  readonly totalSteps: number;
  /** Of the last checkpoint. */
  readonly savedStep: number;
  readonly outcome: RunOutcome | null;
}

/** What a new run trains and validates on, as lines. */
export interface RunRecords {
  readonly train: Uint8Array;
  readonly valid: Uint8Array | null;
}

export const TRAIN_FILE = "train.jsonl";
export const VALID_FILE = "valid.jsonl";
export const CHECKPOINT_FILE = "checkpoint.safetensors";
export const ADAPTER_FILES = ["adapters.safetensors", "adapter_config.json"] as const;
export const RECORD_FILE = "run.json";
const STATE_FILE = "state.json";
const EVENTS_FILE = "events.jsonl";
const RUNS = "runs";

/** Ids sort by time, to the millisecond, and are safe as names: "2026-11-21T08-15-30-250-k3f9". */
export function newRunId(now: Date): string {
  const time = now.toISOString().slice(0, 23).replace(/[:.]/g, "-");
  return `${time}-${Math.floor(Math.random() * 36 ** 4)
    .toString(36)
    .padStart(4, "0")}`;
}

/** The folders of all runs, newest first. */
export async function runIds(store: Store): Promise<string[]> {
  const entries = await store.list(RUNS);
  return entries
    .filter(({ kind }) => kind === "folder")
    .map(({ name }) => name)
    .sort()
    .reverse();
}

export class RunFolder {
  readonly id: string;
  private readonly store: Store;

  constructor(store: Store, id: string) {
    this.store = store;
    this.id = id;
  }

  at(name: string): string {
    return `${RUNS}/${this.id}/${name}`;
  }

  read = (name: string) => this.store.read(this.at(name));
  open = (name: string) => this.store.open(this.at(name));
  write = (name: string, bytes: Uint8Array | string) => this.store.write(this.at(name), bytesOf(bytes));
  remove = (name: string) => this.store.remove(this.at(name));

  /** The run's state, or null for a folder that was cut off before it had one. */
  async state(): Promise<StoredRun | null> {
    const bytes = await this.read(STATE_FILE);
    if (!bytes) return null;
    // Written by this page, so only its JSON is checked; an older one knew fewer knobs.
    const name = this.at(STATE_FILE);
    const state = parseJson(new TextDecoder().decode(bytes), name) as unknown as StoredRun;
    return { ...state, config: { ...resolveConfig({}, name), ...state.config } };
  }

  async saveState(state: StoredRun): Promise<void> {
    await this.write(STATE_FILE, JSON.stringify(state));
  }

  async addEvents(events: readonly RunEvent[]): Promise<void> {
    if (events.length > 0) await this.store.append(this.at(EVENTS_FILE), bytesOf(linesOf(events)));
  }

  /** What happened so far; a last line that a crash cut off is left out. */
  async events(): Promise<RunEvent[]> {
    const bytes = await this.read(EVENTS_FILE);
    if (!bytes) return [];
    return new TextDecoder()
      .decode(bytes)
      .split("\n")
      .flatMap((line) => {
        try {
          return line === "" ? [] : [JSON.parse(line, restoreNonFinite) as RunEvent];
        } catch {
          return [];
        }
      });
  }

  /** Forgets what came after update `step`: it is made again. */
  async cutEvents(step: number): Promise<void> {
    const kept = (await this.events()).filter((event) => !("step" in event) || event.step <= step);
    await this.write(EVENTS_FILE, linesOf(kept));
  }

  /** Files of the run as a folder to load from. */
  source(): ModelSource {
    const { store } = this;
    const folder = `${RUNS}/${this.id}`;
    return {
      label: `run ${this.id}`,
      list: async () => (await store.list(folder)).filter(({ kind }) => kind === "file").map(({ name }) => name),
      open: (path) => store.open(`${folder}/${path}`),
    };
  }

  async bytes(): Promise<number> {
    return (await this.store.list(RUNS)).find(({ name }) => name === this.id)?.size ?? 0;
  }

  /** Removes everything. */
  forget(): Promise<void> {
    return this.store.remove(`${RUNS}/${this.id}`);
  }
}

/** Throws ModelError when there is no such run. */
export async function openRunFolder(store: Store, id: string): Promise<{ folder: RunFolder; state: StoredRun }> {
  const folder = new RunFolder(store, id);
  const state = await folder.state();
  if (state) return { folder, state };
  throw modelError(`there is no run "${id}" any more`, "It was deleted, perhaps in another tab.");
}

const linesOf = (events: readonly RunEvent[]): string => events.map((event) => `${JSON.stringify(event)}\n`).join("");

/** JSON has no NaN: a loss that was not finite comes back as null, and is NaN again. */
const restoreNonFinite = (key: string, value: unknown) =>
  value === null && (key === "loss" || key === "gradNorm") ? Number.NaN : value;

const bytesOf = (data: Uint8Array | string): Uint8Array =>
  typeof data === "string" ? new TextEncoder().encode(data) : data;
