/** What the engine is made of, and how it is opened: the desks over one store and one GPU, and what the start found out. */
import { deviceError } from "../core/errors.ts";
import { parseJson } from "../core/json.ts";
import { openDevice } from "../gpu/open.ts";
import { describeEnvironment, describeSupport } from "../gpu/support.ts";
import type { WebGpuDevice } from "../gpu/webgpu.ts";
import { type Tuning, tune } from "../ops/tune.ts";
import { runSelfTest, selfTestError } from "../train/self-test.ts";
import { type Context, toldFetch } from "./context.ts";
import { AnswerDesk } from "./desks/answer-desk.ts";
import { DataDesk } from "./desks/data-desk.ts";
import { MixDesk } from "./desks/mix-desk.ts";
import { ModelDesk } from "./desks/model-desk.ts";
import { RunDesk } from "./desks/run-desk.ts";
import { TrialDesk } from "./desks/trial-desk.ts";
import type { Draft, Opening, OpenOptions } from "./protocol.ts";
import { type OpenedStore, openStore } from "./storage/open-store.ts";
import { storageFacts } from "./storage/storage-facts.ts";

export const DRAFT = "draft.json";
const FORMS = "forms.json";

/** Put in by vite. */
declare const __LORIKEET_VERSION__: string;

/** What the engine finds around it; tests bring their own. */
export interface Surroundings {
  readonly gpu: GPU | undefined;
  readonly fetch: typeof fetch;
  openDevice(): Promise<WebGpuDevice>;
  tune(device: WebGpuDevice, tuning: Tuning): Promise<void>;
  openStore(): Promise<OpenedStore>;
}

export const browserSurroundings = (): Surroundings => ({
  gpu: navigator.gpu as GPU | undefined,
  fetch: (input, init) => fetch(input, init),
  openDevice: () => openDevice(navigator.gpu),
  tune,
  openStore: () => openStore(),
});

/** The engine's parts once it is open. */
export interface Parts {
  readonly context: Context;
  readonly models: ModelDesk;
  readonly data: DataDesk;
  readonly run: RunDesk;
  readonly answers: AnswerDesk;
  readonly trials: TrialDesk;
  readonly mixes: MixDesk;
}

/** Opens the store, looks at this browser, and checks that its GPU computes rightly. */
export async function openParts(
  { base, hub, forms }: OpenOptions,
  publish: Context["publish"],
  around: Surroundings,
): Promise<{ opening: Opening; parts: Parts }> {
  const { gpu } = around;
  const { store, note } = await around.openStore();
  const ask = toldFetch(publish, around.fetch);
  const context: Context = {
    ...{ store, base, hub, fetch: ask },
    publish(event) {
      publish(event);
      mixes.hear(event);
    },
    openDevice: around.openDevice,
    tune: (device) => around.tune(device, tuningOf(store, forms)),
  };
  const models = new ModelDesk(context);
  const data = new DataDesk(context, models);
  const desks = { run: new RunDesk(context), answers: new AnswerDesk(context), trials: new TrialDesk(context) };
  const mixes = new MixDesk(context, { models, ...desks });
  const parts = { context, models, data, ...desks, mixes };

  const support = await describeSupport(gpu);
  const { verdict } = support;
  const blocked = verdict.state === "blocked" ? deviceError(verdict.reason, verdict.remedy, "no-webgpu") : null;
  const selfTests = blocked ? [] : await runSelfTest(await models.device());
  const { usedBytes, quotaBytes } = await storageFacts();
  const opening: Opening = {
    ...{ support, selfTests, draft: await readDraft(store) },
    environment: await describeEnvironment(globalThis),
    storage: { lasting: store.lasting, note, usedBytes, quotaBytes },
    blocked: (blocked ?? selfTestError(selfTests))?.toData() ?? null,
  };
  return { opening, parts };
}

function tuningOf(store: Context["store"], wish: string | null | undefined): Tuning {
  const memory = {
    async read() {
      const bytes = await store.read(FORMS).catch(() => null);
      return bytes && new TextDecoder().decode(bytes);
    },
    write: (text: string) => store.write(FORMS, new TextEncoder().encode(text)).catch(() => undefined),
  };
  return { wish, memory, where: `${globalThis.navigator?.userAgent}, lorikeet ${__LORIKEET_VERSION__}` };
}

async function readDraft(store: Context["store"]): Promise<Draft | null> {
  const bytes = await store.read(DRAFT).catch(() => null);
  // Written by this page, whole or not at all.
  return bytes && (parseJson(new TextDecoder().decode(bytes), DRAFT) as unknown as Draft);
}
