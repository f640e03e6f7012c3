/** The engine: every request of the page, handed to the part that knows. */
import { configError, modelError } from "../core/errors.ts";
import { auditAdapter } from "../lora/audit.ts";
import { importAdapter } from "../lora/import.ts";
import { type CatalogueRow, describeCatalogue } from "../train/catalogue-estimate.ts";
import { resolveConfig, type TrainConfig } from "../train/config.ts";
import { deviceBudget, fits } from "../train/memory-budget.ts";
import type { TrainingSession } from "../train/session.ts";
import { SUPERSEDED } from "./desks/model-desk.ts";
import { planRun } from "./desks/plan.ts";
import type { RunJob } from "./desks/run-desk.ts";
import type { TrialJob } from "./desks/trial-desk.ts";
import { keptModels, removeKept } from "./models/model-cache.ts";
import { browserSurroundings, DRAFT, openParts, type Parts } from "./parts.ts";
import type { Engine, EngineEvent, KeptModel } from "./protocol.ts";
import { adapterFiles, adapterTitle } from "./runs/adapter-files.ts";
import { adoptedRun } from "./runs/adopted.ts";
import { pushFiles } from "./runs/push.ts";
import { type RecordFiles, recordFiles } from "./runs/run-data.ts";
import { makeRunFile, mlxFiles } from "./runs/run-files.ts";
import { newRunId, openRunFolder, RunFolder, type StoredRun } from "./runs/run-folder.ts";
import { listRuns, summarize } from "./runs/run-list.ts";

export function createEngine(publish: (event: EngineEvent) => void, around = browserSurroundings()): Engine {
  let parts: Parts | null = null;
  /** What keeps others from the desk: an earlier run is being opened or made ready to go on, or adapters are being mixed. */
  let opening: string | null = null;
  /** GB of this computer as the person said, for plans and runs. */
  let memory: number | null = null;
  const opened = (): Parts => {
    if (parts) return parts;
    throw configError("the engine is not open yet");
  };
  const idle = (what: string): Parts => {
    const open = opened();
    if (open.trials.busy) throw configError(`${what}: ${open.trials.doing}`, "Stop it first, or wait for its end.");
    if (!open.run.busy) return open;
    throw configError(`${what}: a run is on`, "Stop the run first, or wait for its end.");
  };
  /** For what makes the desk a run's: while one is being opened no other may come in between. */
  const free = (what: string): Parts => {
    if (opening === null) return idle(what);
    throw configError(`${what}: ${opening}`, "Wait until that is done.");
  };
  const whileOpening = async <T>(
    what: string,
    work: (parts: Parts) => Promise<T>,
    doing = "another run is being opened",
  ): Promise<T> => {
    const open = free(what);
    opening = doing;
    try {
      return await work(open);
    } finally {
      opening = null;
    }
  };
  /** The model on the GPU, with nobody else at it. */
  const sessionFor = async (what: string): Promise<TrainingSession> => {
    const { models, run } = idle(what);
    const { session } = models;
    if (!session) throw modelError("the model is not loaded", "Load it in the Model card.");
    await run.endWarmUp();
    return session;
  };

  const trialOn = ({ models, run }: Parts, config: TrainConfig, files: RecordFiles): TrialJob => ({
    ...{ config, files, budget: deviceBudget(memory) },
    async session() {
      const session = await models.load();
      await run.endWarmUp();
      return session;
    },
  });

  return {
    async open(options) {
      const { opening, parts: made } = await openParts(options, publish, around);
      parts = made;
      return opening;
    },
    async saveDraft(draft) {
      await opened().context.store.write(DRAFT, new TextEncoder().encode(JSON.stringify(draft)));
    },

    catalogue: (memoryGB) => catalogueFor(opened(), memoryGB),
    async keptModels() {
      return (await keptModels(opened().context.store)).map(
        ({ kind, id, bytes, whole }): KeptModel => ({
          ...{ key: `${kind}:${id}`, title: id, bytes, whole },
          choice: kind === "hub" ? { kind, id } : { kind, name: id },
        }),
      );
    },
    async forgetModel(key) {
      const at = key.indexOf(":");
      const kind = key.slice(0, at) === "hub" ? "hub" : "folder";
      const { context, models } = idle("Deleting a model");
      await removeKept(context.store, { kind, id: key.slice(at + 1) });
      models.noteForgotten(kind, key.slice(at + 1));
    },
    async chooseModel(choice, options) {
      const { models, data, run } = idle("Choosing a model");
      run.show(null);
      run.forgetAnswers();
      await models.choose(choice, options);
      await data.modelChanged();
    },
    async quantizeModel(bits) {
      const { models, run } = idle("Coding a model");
      // The adapter shown was proved on the weights as they are.
      run.show(null);
      run.forgetAnswers();
      await models.quantize(bits);
    },
    async loadModel() {
      const open = idle("Loading a model");
      const session = await open.models.load().catch((error) => {
        if (error === SUPERSEDED) return null;
        throw error;
      });
      if (!session) return;
      await open.run.putBack(session);
      // While nobody waits: a run that starts meanwhile takes over.
      void open.run.warmUp(session, open.data.probes).catch(() => {});
    },
    async pauseDownload() {
      opened().models.pause();
    },

    openData: async (files) => idle("Opening data").data.openFiles(files),
    openSample: async () => idle("Opening data").data.openSample(),
    mapColumns: async (mapping) => idle("Mapping columns").data.map(mapping),
    async examineData(config) {
      // A setting may be changed meanwhile, and what was found for the old one must not stand.
      await opened().trials.ended();
      await idle("Examining data").data.examine(config);
    },
    async dataRows(offset, count) {
      return opened().data.rows(offset, count);
    },
    async previewRecord(index, config) {
      return opened().data.preview(index, config);
    },
    async cleanedData() {
      return opened().data.cleaned();
    },

    async plan(config, memoryGB) {
      const { models, data } = opened();
      memory = memoryGB;
      const model = models.description;
      if (!model) return null;
      const budget = deviceBudget(memoryGB);
      const lengths = data.lengths;
      return planRun({ model, config, lengths, limits: models.limits, budget });
    },

    async startRun(config, probes) {
      const open = free("Starting a run");
      const { context, models, data } = open;
      if (!models.pinned) throw modelError("no model is chosen", "Choose one in the Model card.");
      const records = data.runRecords();
      const now = new Date();
      const folder = new RunFolder(context.store, newRunId(now));
      const stored: StoredRun = {
        ...{ id: folder.id, title: `${models.title} on ${data.title}`, model: models.pinned, modelTitle: models.title },
        ...{ dataTitle: data.title, began: now.getTime(), status: "running", config, probes },
        ...{ totalSteps: 0, savedStep: 0, outcome: null },
      };
      await execute(open, { folder, stored, records, budget: deviceBudget(memory) });
    },
    async pauseRun() {
      opened().run.pause();
    },
    async resumeRun() {
      opened().run.resume();
    },
    async stopRun() {
      opened().run.stop();
    },
    runs: () => listRuns(opened().context.store),
    async runDetail(id) {
      const { folder, state } = await openRunFolder(opened().context.store, id);
      const { config, probes, outcome } = state;
      const summary = await summarize(folder, state, opened().run.busy && opened().run.id === id);
      return { summary, config, probes, outcome, events: await folder.events() };
    },
    async continueRun(id) {
      const { folder, state } = await whileOpening("Going on with a run", async (open) => {
        const found = await openRunFolder(open.context.store, id);
        await chooseFor(open, found.state);
        return found;
      });
      await execute(opened(), { folder, stored: state, records: null, budget: deviceBudget(memory) });
    },
    openRun: (id) =>
      whileOpening("Opening a run", async (open) => {
        const { folder, state } = await openRunFolder(open.context.store, id);
        await chooseFor(open, state);
        const session = await open.models.load();
        await open.run.endWarmUp();
        if (state.outcome?.usable) session.setAdapter(await importAdapter(folder.source()));
        open.run.show(state);
      }),
    openAdapter: (files) =>
      whileOpening("Opening an adapter", async ({ context, models, run }) => {
        const { pinned: model, title: modelTitle } = models;
        if (!model) throw modelError("no model is chosen", "Choose the one it was trained on, in the Model card.");
        const adapter = await importAdapter(adapterFiles(files), { base: () => models.ggufBase(model) });
        const session = await models.load();
        await run.endWarmUp();
        const [now, name] = [new Date(), adapterTitle(files)];
        const folder = new RunFolder(context.store, newRunId(now));
        const stored = adoptedRun(folder.id, now.getTime(), adapter, { name, model, modelTitle });
        await run.adopt(folder, stored, session, adapter);
      }),
    async forgetRun(id) {
      const { context, run } = opened();
      if (run.id === id) idle("Deleting this run").run.show(null);
      await new RunFolder(context.store, id).forget();
    },

    async ask(question) {
      const { models, answers } = opened();
      await answers.ask(await sessionFor("Asking the model"), question).finally(() => models.dropBroken());
    },
    async stopAnswer() {
      opened().answers.stop();
    },
    async findRate(config) {
      const open = free("Finding a learning rate");
      const job = trialOn(open, config, recordFiles(open.data.runRecords()));
      await open.trials.findRate(job).finally(() => open.models.dropBroken());
    },
    async diagnose(config, runId) {
      const open = free("A diagnosis");
      const { context, data, trials, models } = open;
      const files = runId === null ? recordFiles(data.runRecords()) : new RunFolder(context.store, runId);
      await trials.diagnose(trialOn(open, config, files)).finally(() => models.dropBroken());
    },
    async stopTrial() {
      opened().trials.stop();
    },
    async audit() {
      const open = opened();
      return auditAdapter(open.mixes.adapter ?? (await importAdapter((await currentRun(open)).folder.source())));
    },
    async runFile(id, file) {
      const { context, models } = opened();
      const { folder, state } = await openRunFolder(context.store, id);
      return makeRunFile(folder, state, file, {
        gguf: () => models.ggufBase(state.model),
        description: () => models.describe(state.model),
      });
    },
    async pushToHub(request) {
      const { context } = opened();
      const { folder, state } = await openRunFolder(context.store, request.runId);
      return pushFiles(request, state, await mlxFiles(folder), context);
    },
    async mixAdapters(parts) {
      const mix = async ({ mixes }: Parts) => mixes.mix(await sessionFor("Mixing adapters"), parts);
      await whileOpening("Mixing adapters", mix, "adapters are being mixed");
    },
    mixLoss: async (rank) => opened().mixes.loss(rank),
    mixFile: async (file, rank) => opened().mixes.file(file, rank),
    async logits(ids) {
      return (await sessionFor("Reading logits")).logits(ids);
    },
  };
}

function catalogueFor({ models }: Parts, memoryGB: number | null): Promise<CatalogueRow[]> {
  const budget = deviceBudget(memoryGB);
  const { limits } = models;
  return describeCatalogue({
    train: resolveConfig({}, "catalogue"),
    judge: (peak) => fits(peak, budget).verdict,
    ...(limits ? { limits } : {}),
  });
}

/** Makes the run's model the page's model, when it is another one. */
async function chooseFor({ models, data, run }: Parts, { model }: StoredRun): Promise<void> {
  if (JSON.stringify(models.pinned) === JSON.stringify(model)) return;
  run.forgetAnswers();
  await models.choose(model);
  await data.modelChanged();
}

/** What goes wrong once it has begun is the run's state, so it is not thrown. */
async function execute({ models, run }: Parts, job: Omit<RunJob, "session">): Promise<void> {
  await run.execute({ ...job, session: () => models.load() }).finally(() => models.dropBroken());
}

async function currentRun({ context, run }: Parts) {
  if (!run.id) throw modelError("there is no run yet", "Train first.");
  return openRunFolder(context.store, run.id);
}
