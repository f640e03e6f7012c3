/** A choice of the page → where its files are. */
import type { ModelSource } from "../../core/bytes.ts";
import { modelError } from "../../core/errors.ts";
import { parseHubId } from "../../hub/hub-id.ts";
import { hubSource } from "../../hub/huggingface.ts";
import type { DownloadMeter } from "../../hub/meter.ts";
import type { Context } from "../context.ts";
import type { DroppedFile, ModelChoice } from "../protocol.ts";
import { demoSource } from "./demo-source.ts";
import { filesSource } from "./files-source.ts";
import { keptFolderSource } from "./kept-folder.ts";
import { storeCache } from "./model-cache.ts";

export interface FoundModel {
  readonly source: ModelSource;
  /** The choice as it was understood. */
  readonly exact: ModelChoice;
  /** With the commit, where a branch may move on. */
  readonly pinned: ModelChoice;
}

export interface FindOptions {
  /** Of a folder that was dropped just now. */
  readonly files?: readonly DroppedFile[] | undefined;
  readonly meter: DownloadMeter;
  readonly signal: AbortSignal;
  /** For gated models. */
  readonly token: string | undefined;
  onCacheFailure(error: unknown): void;
}

/** Throws ModelError for a folder that is not kept, and what the Hub refuses. */
export async function findModel(
  choice: ModelChoice,
  { store, base, hub, fetch }: Context,
  { files, meter, signal, token, onCacheFailure }: FindOptions,
): Promise<FoundModel> {
  if (choice.kind === "demo") {
    return { source: demoSource(base, { fetch, signal, meter }), exact: choice, pinned: choice };
  }
  if (choice.kind === "folder") {
    const source = files ? filesSource(files) : await keptFolderSource(store, choice.name);
    if (!source) {
      throw modelError(`the folder "${choice.name}" is not kept in this browser`, "Drop it once more.", "not-found");
    }
    const exact = { kind: "folder", name: source.label } as const;
    return { source, exact, pinned: exact };
  }
  const { id, revision = choice.revision } = parseHubId(choice.id);
  const source = hubSource(id, {
    ...{ endpoint: hub, cache: storeCache(store), fetch, meter, signal, onCacheFailure },
    ...(revision ? { revision } : {}),
    ...(token ? { token } : {}),
  });
  const exact = { kind: "hub", id, ...(revision ? { revision } : {}) } as const;
  return { source, exact, pinned: { ...exact, revision: await source.commit() } };
}
