/** An adapter to the person's own account on the Hub, with their token, which is used for these requests and forgotten. */
import { memoryModel, readJson } from "../../core/bytes.ts";
import { configError, modelError } from "../../core/errors.ts";
import { importAdapter } from "../../lora/import.ts";
import type { ModelFacts } from "../../train/facts.ts";
import type { Context } from "../context.ts";
import type { PushRequest, RunOutcome } from "../protocol.ts";
import { type CardFacts, modelCard } from "./model-card.ts";
import { RECORD_FILE, type StoredRun } from "./run-folder.ts";

/**
 * Makes the repository where it is missing and commits the files of the run for mlx-lm with a model card.
 * @throws ConfigError for a name that cannot be one, ModelError with what the Hub says; an adapter whose answers
 * have collapsed is a ConfigError, since those who find it there would not know.
 */
export async function pushFiles(
  request: PushRequest,
  state: StoredRun,
  files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>,
  { hub: hubUrl, fetch }: Pick<Context, "hub" | "fetch">,
): Promise<{ url: string }> {
  const { repository, token } = request;
  const judged: RunOutcome["judged"] | undefined = state.outcome?.judged;
  if (judged?.verdict === "collapsed" || judged?.verdict === "broken") {
    throw configError(`this adapter is not pushed: ${judged.reason}`, "Train again with a lower learning rate.");
  }
  if (!/^[\w][\w.-]*\/[\w][\w.-]*$/.test(repository)) {
    throw configError(`repository: expected "account/name", got ${JSON.stringify(repository)}`);
  }
  if (token.trim() === "") {
    throw configError("token: expected a write token", "Make one on the Hub under Settings, Access Tokens.");
  }
  const card = modelCard(state, await factsOf(files));
  // Only who pushes loads the Hub's client.
  const { createRepo, uploadFiles } = await import("@huggingface/hub");
  const target = { repo: repository, accessToken: token.trim(), hubUrl, fetch } as const;
  try {
    await createRepo({ ...target, private: request.private }).catch((error) => {
      if (!isConflict(error)) throw error; // it is there already
    });
    const readme = { path: "README.md", content: new Blob([card]) };
    const rest = Object.entries(files).map(([path, bytes]) => ({ path, content: new Blob([bytes]) }));
    await uploadFiles({ ...target, files: [readme, ...rest], commitTitle: "Adapter trained with Lorikeet" });
  } catch (error) {
    throw modelError(
      `${repository}: the Hub refused the upload: ${error instanceof Error ? error.message : String(error)}`,
      "Check that the token may write and that the account is spelled as on the Hub.",
    );
  }
  return { url: `${hubUrl}/${repository}` };
}

const isConflict = (error: unknown) =>
  typeof error === "object" && error !== null && "statusCode" in error && error.statusCode === 409;

/** Throws FormatError for files that are none of a run. */
async function factsOf(files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>): Promise<CardFacts> {
  const source = memoryModel(
    "adapter",
    Object.entries(files).map(([path, bytes]) => ({ path, bytes })),
  );
  const adapter = await importAdapter(source);
  // Written by this page, so only its JSON is checked.
  const { model } = (await readJson(source, RECORD_FILE)) as { readonly model: ModelFacts };
  return { adapter, element: model.element };
}
