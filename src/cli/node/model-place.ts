/** `--model DIR | org/name | demo` → where its files are. */
import { stat } from "node:fs/promises";
import type { ModelSource } from "../../core/bytes.ts";
import { configError } from "../../core/errors.ts";
import { hubSource } from "../../hub/huggingface.ts";
import { defaultCacheFolder, diskCache } from "./disk-cache.ts";
import { folderSource } from "./folder.ts";
import { demoFolder } from "./package.ts";

export interface ModelPlace {
  readonly source: ModelSource;
  /** As other tools find it: the folder, or org/name. */
  readonly name: string;
  readonly onHub: boolean;
}

/**
 * A folder that exists comes first, `demo` is the built-in model, anything like org/name is looked for on the Hub.
 * @throws ConfigError for a missing folder, a file, and a name that can be neither.
 */
export async function findModel(model: string, env: NodeJS.ProcessEnv = process.env): Promise<ModelPlace> {
  if (model === "demo") return { source: folderSource(demoFolder()), name: demoFolder(), onHub: false };
  const info = await stat(model).catch(() => null);
  if (info?.isDirectory()) return { source: folderSource(model), name: model, onHub: false };
  if (info) {
    throw configError(`--model ${model}: expected a folder, got a file`, "Name the folder that holds config.json.");
  }
  if (isPath(model)) throw configError(`--model ${model}: there is no such folder`, "Check the path.");
  if (!/^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(model)) {
    throw configError(
      `--model ${model}: there is no such folder here, and a model on the Hub is written org/name`,
      "For the built-in model write --model demo.",
    );
  }
  return { source: hubSource(model, hubOptions(env)), name: model, onHub: true };
}

const isPath = (model: string) => /^[./~]|[\\]|\/$|^\w:/.test(model) || model.split("/").length > 2;

/** As other Hub clients: HF_TOKEN for gated models, HF_ENDPOINT for a mirror. */
function hubOptions({ HF_TOKEN, HF_ENDPOINT, ...env }: NodeJS.ProcessEnv) {
  return {
    cache: diskCache(defaultCacheFolder(env)),
    ...(HF_TOKEN ? { token: HF_TOKEN } : {}),
    ...(HF_ENDPOINT ? { endpoint: HF_ENDPOINT } : {}),
  };
}
