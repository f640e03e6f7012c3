/** What a person can do, as functions. Each asks the engine; what comes of it arrives through the engine's events. */
import { type ErrorData, LorikeetError } from "../../core/errors.ts";
import { type KnobName, resolveConfig } from "../../train/config.ts";
import { type PresetName, presetKnobs } from "../../train/presets.ts";
import type {
  CodedBits,
  ColumnMapping,
  Draft,
  DroppedFile,
  Engine,
  Message,
  MixFile,
  MixPart,
  ModelChoice,
  NamedBlob,
  RunFile,
  Side,
} from "../../worker/protocol.ts";
import type { AppState, CardId } from "./app-state.ts";
import type { Curves } from "./curves.ts";
import { runActions } from "./run-actions.ts";
import type { Store } from "./store.ts";
import { trialActions } from "./trial-actions.ts";

/** The longest answer in the Check card, in tokens. */
export const ANSWER_TOKENS = 128;

export type Actions = ReturnType<typeof createActions>;

/** What of the browser the actions need. */
export interface BrowserTools {
  /** Hands a file to the downloads. */
  save(file: NamedBlob): void;
  /** Asks that what is kept stays; what the browser answers changes nothing now. */
  keep(): void;
}

/** `engine` is asked anew each time: after a lost device another takes its place. */
export function createActions(store: Store<AppState>, curves: Curves, engine: () => Engine, browser: BrowserTools) {
  /** Runs an action of a card; a failure is shown there, and null comes back. */
  async function attempt<T>(card: CardId, work: (engine: Engine) => Promise<T>): Promise<T | null> {
    if (store.get().problem?.card === card) store.set({ problem: null });
    try {
      return await work(engine());
    } catch (error) {
      store.set({ problem: { card, error: errorData(error) } });
      return null;
    }
  }

  function remember(): void {
    const { model, data, preset, knobs, memoryGB, probes } = store.get();
    if (!model.choice) return;
    const draft: Draft = {
      ...{ model: model.choice, preset, knobs, memoryGB, probes },
      data: data.source === "files" ? { kind: "files", mapping: data.mapping } : { kind: "sample" },
    };
    void engine()
      .saveDraft(draft)
      .catch(() => {}); // convenience only
  }

  /** Checks the knobs and asks what they would take. */
  function applyKnobs(preset: PresetName | "custom", knobs: AppState["knobs"]): void {
    try {
      const config = resolveConfig(knobs, "training");
      const before = store.get().config;
      store.set({ preset, knobs, config, knobProblem: null });
      const examined = ["maxSeqLength", "maskPrompt", "seed"] as const;
      if (before && examined.some((name) => before[name] !== config[name])) {
        void attempt("data", (engine) => engine.examineData(config));
      }
    } catch (error) {
      store.set({ preset, knobs, config: null, knobProblem: errorData(error) });
    }
    remember();
    void actions.refreshPlan();
  }

  const actions = {
    /** Opens or closes a card by hand. */
    toggleCard(card: CardId, open: boolean): void {
      store.set({ opened: { ...store.get().opened, [card]: open } });
    },
    dismissProblem(): void {
      store.set({ problem: null });
    },
    remember,

    async chooseModel(choice: ModelChoice, options: { files?: readonly DroppedFile[]; token?: string } = {}) {
      store.set({ plan: null, planError: null });
      await attempt("model", (engine) => engine.chooseModel(choice, options));
      const { preset } = store.get();
      remember();
      // A preset's rate depends on the model's size.
      if (preset !== "custom") actions.choosePreset(preset);
      else await actions.refreshPlan();
    },
    async quantizeModel(bits: CodedBits | null) {
      await attempt("model", (engine) => engine.quantizeModel(bits));
      remember();
      await actions.refreshPlan();
    },
    loadModel: () => attempt("model", (engine) => engine.loadModel()),
    pauseDownload: () => attempt("model", (engine) => engine.pauseDownload()),
    async forgetModel(key: string) {
      await attempt("model", (engine) => engine.forgetModel(key));
      await actions.refreshModels();
    },
    /** The catalogue with what fits here, and what is kept. */
    async refreshModels() {
      const { memoryGB } = store.get();
      await attempt("model", async (engine) => {
        store.set({ catalogue: await engine.catalogue(memoryGB) });
        store.set({ kept: await engine.keptModels() });
      });
    },
    async setMemory(memoryGB: number | null) {
      store.set({ memoryGB });
      remember();
      await actions.refreshModels();
      await actions.refreshPlan();
    },

    async openData(files: readonly DroppedFile[]) {
      await attempt("data", (engine) => engine.openData(files));
      remember();
      await actions.refreshPlan();
    },
    /** The files of the last visit. */
    async reopenData(mapping: ColumnMapping | null) {
      await attempt("data", async (engine) => {
        await engine.openData(null);
        if (mapping) await engine.mapColumns(mapping);
      });
      await actions.refreshPlan();
    },
    async openSample() {
      await attempt("data", (engine) => engine.openSample());
      remember();
      await actions.refreshPlan();
    },
    async mapColumns(mapping: ColumnMapping | null) {
      await attempt("data", (engine) => engine.mapColumns(mapping));
      remember();
      await actions.refreshPlan();
    },
    dataRows: (offset: number, count: number) => engine().dataRows(offset, count),
    /** The record as the model will see it, or null before the knobs are right. */
    async previewRecord(index: number) {
      const { config } = store.get();
      return config && engine().previewRecord(index, config);
    },
    saveCleanedData: () => attempt("data", async (engine) => browser.save(await engine.cleanedData())),

    choosePreset(name: PresetName): void {
      const parameters = store.get().model.facts?.parameters ?? 0;
      applyKnobs(name, presetKnobs(name, parameters));
    },
    /** Knobs as they were left. */
    restoreKnobs(knobs: AppState["knobs"]): void {
      applyKnobs("custom", knobs);
    },
    /** undefined: back to the default. */
    setKnob(name: KnobName, value: unknown): void {
      const { [name]: _, ...rest } = store.get().knobs;
      const knobs = value === undefined ? rest : { ...rest, [name]: value };
      // Only one of the two sets the length.
      if (value !== undefined && name === "steps") delete (knobs as Record<string, unknown>).epochs;
      if (value !== undefined && name === "epochs") delete (knobs as Record<string, unknown>).steps;
      applyKnobs("custom", knobs);
    },
    setProbes(probes: readonly string[] | null): void {
      store.set({ probes });
      remember();
    },
    /** What a run with these knobs would take, for the picture. */
    async refreshPlan() {
      const { config, memoryGB } = store.get();
      if (!config) return;
      try {
        const plan = await engine().plan(config, memoryGB);
        if (store.get().config === config) store.set({ plan, planError: null });
      } catch (error) {
        store.set({ plan: null, planError: errorData(error) });
      }
    },

    ...runActions(store, curves, attempt, browser.keep),
    runDetail: (id: string) => engine().runDetail(id),
    ...trialActions(store, attempt, engine),

    /** Base and tuned answers to one question, beside each other. */
    async compare(text: string, { temperature = 0, seed = 0 } = {}) {
      const sides: Side[] = ["base", "tuned"];
      const id = store.get().asked + 1;
      store.set({
        asked: id,
        answering: "comparison",
        comparison: { question: text, sides: { base: null, tuned: null } },
      });
      const messages: Message[] = [{ role: "user", content: text }];
      const asked = { id, messages, sides, maxTokens: ANSWER_TOKENS, temperature, seed };
      await attempt("check", (engine) => engine.ask(asked));
      store.set({ answering: null });
    },
    /** The next question of the chat with the tuned model. */
    async say(text: string, { temperature = 0, seed = 0 } = {}) {
      const before = store.get().chat;
      const answered = before.filter(({ answer }) => answer !== "");
      const messages = answered.flatMap(({ question, answer }): Message[] => [
        { role: "user", content: question },
        { role: "assistant", content: answer },
      ]);
      messages.push({ role: "user", content: text });
      const id = store.get().asked + 1;
      store.set({ asked: id, answering: "chat", chat: [...before, { question: text, answer: "", ended: null }] });
      const asked = { id, messages, sides: ["tuned"] as const, maxTokens: ANSWER_TOKENS, temperature, seed };
      await attempt("check", (engine) => engine.ask(asked));
      store.set({ answering: null });
    },
    clearChat(): void {
      store.set({ chat: [] });
    },
    stopAnswer: () => attempt("check", (engine) => engine.stopAnswer()),
    /** Rejects with the reason, which is shown where it was asked for. */
    mixAdapters: (parts: readonly MixPart[]) => engine().mixAdapters(parts),
    mixLoss: (rank: number | null) => engine().mixLoss(rank),
    async saveMixFile(file: MixFile, rank: number | null) {
      browser.save(await engine().mixFile(file, rank));
    },
    audit: () => attempt("check", (engine) => engine.audit()),

    /** Hands a file of a run to the browser's downloads. */
    async saveRunFile(id: string, file: RunFile) {
      return attempt("download", async (engine) => browser.save(await engine.runFile(id, file)));
    },
    runFile: (id: string, file: RunFile): Promise<NamedBlob> => engine().runFile(id, file),
    pushToHub: (runId: string, repository: string, token: string, isPrivate: boolean) =>
      attempt("download", (engine) => engine.pushToHub({ runId, repository, token, private: isPrivate })),
  };

  return actions;
}

/** Errors of other kinds are bugs: their text is shown as it is. */
export function errorData(error: unknown): ErrorData {
  if (error instanceof LorikeetError) return error.toData();
  return { kind: "device", message: error instanceof Error ? error.message : String(error) };
}
