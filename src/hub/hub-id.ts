/**
 * The text somebody types or pastes to name a model on the Hub: "org/name", "org/name@revision" or the address of the
 * model's page. Anything else is refused with a sentence: other hosts, data sets and spaces, query strings, blanks, and
 * whatever could climb out of a path. The result is safe to put into an address.
 */

import { configError, type LorikeetError } from "../core/errors.ts";
import { describeJson } from "../core/json.ts";
import { CATALOGUE } from "./catalogue.ts";

export interface HubId {
  /** "org/name" */
  readonly id: string;
  /** Branch, tag or commit; absent when the text names none. */
  readonly revision?: string;
}

const HOSTS = ["huggingface.co", "www.huggingface.co", "hf.co"];
/** Pages of one model that show it at a revision. */
const AT_REVISION = ["tree", "blob", "resolve", "raw", "commit", "commits"];
/** First parts of addresses that are something else than an organisation. */
const NOT_MODELS: Readonly<Record<string, string>> = {
  datasets: "a data set",
  spaces: "a space",
  collections: "a collection",
  papers: "a paper",
  docs: "documentation",
  api: "an address of the Hub's interface",
  organizations: "an organisation",
  models: "a list of models",
  blog: "an article",
};
const MAX_LENGTH = 300;
/** The Hub's own rule: letters, digits, "-", "_" and ".", at most 96 of them. */
const NAME = /^\w(?:[\w.-]{0,94}\w)?$/;
const REVISION = /^\w[\w.-]*(?:\/[\w-][\w.-]*)*$/;
const COPY_HINT = 'Copy the name from the model\'s page, for example "HuggingFaceTB/SmolLM2-135M-Instruct".';

/**
 * Reads "org/name", "org/name@revision", "https://huggingface.co/org/name" or ".../tree/revision".
 * @throws ConfigError with a hint for everything else.
 */
export function parseHubId(text: string): HubId {
  const typed = text.trim();
  checkText(typed);
  const path = withoutHost(typed);
  const { address, suffix } = splitRevision(path, typed);
  const [owner = "", name = "", page, ...rest] = address.split("/");
  if (Object.hasOwn(NOT_MODELS, owner.toLowerCase())) throw notModel(owner, typed);
  if (owner === "" || address.includes("//")) throw refused(typed, "it names no model");
  if (name === "") throw ownerMissing(owner, typed);
  if (!isName(owner) || !isName(name) || name.toLowerCase().endsWith(".git")) throw refused(typed);

  const id = `${owner}/${name}`;
  const shown = page === undefined ? undefined : revisionOfPage(page, rest, typed);
  if (suffix !== undefined && shown !== undefined) throw refused(typed, "it names two revisions");
  const revision = suffix ?? shown;
  if (revision === undefined) return { id };
  if (!isRevision(revision)) throw refused(typed, `${describeJson(revision)} cannot be a branch, tag or commit`);
  return { id, revision };
}

/** What no name and no address of a model contains. */
function checkText(typed: string): void {
  if (typed === "") throw configError("model: expected a name, got nothing", COPY_HINT);
  if (typed.length > MAX_LENGTH) {
    throw configError(`model: expected a name, got a text of ${typed.length} characters`, COPY_HINT);
  }
  if (/[?#]/.test(typed)) {
    throw refused(typed, "it goes on after the name", 'Leave out everything from the "?" or "#" on.');
  }
  if (/\s/.test(typed)) throw refused(typed, "it contains a blank", "Give one name, without blanks.");
  const odd = /[^\w./:@%-]/u.exec(typed)?.[0];
  // Not shown: an invisible or right-to-left character would garble the message itself.
  if (odd !== undefined) {
    throw configError(
      `model: expected "org/name", got a text with ${nameCharacter(odd)}, which no name has`,
      COPY_HINT,
    );
  }
  if (typed.includes("..")) throw refused(typed, 'it contains ".."');
}

/** A quoted character, or the number of one that is not ASCII. */
function nameCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const visible = code > 0x20 && code < 0x7f;
  return visible ? `"${character}"` : `the character U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** Path of an address of the Hub, or the text itself when it is not an address. */
function withoutHost(typed: string): string {
  const address = /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^/]*)(?:\/(.*))?$/i.exec(typed);
  const [, scheme, host = "", path = ""] = address ?? [];
  const known = HOSTS.includes(host.toLowerCase());
  if (scheme === undefined && !known) return typed.replace(/\/$/, "");
  if (!known || (scheme !== undefined && !/^https?$/i.test(scheme))) {
    throw refused(typed, "it is not an address of huggingface.co");
  }
  return path.replace(/\/$/, "");
}

/** "org/name@v1" → "org/name", "v1". An "@" elsewhere belongs to no name. */
function splitRevision(path: string, typed: string): { address: string; suffix: string | undefined } {
  const at = path.indexOf("@");
  if (at < 0) return { address: path, suffix: undefined };
  const suffix = path.slice(at + 1);
  if (suffix === "") throw refused(typed, 'nothing follows the "@"', 'Write the branch, tag or commit after the "@".');
  return { address: path.slice(0, at), suffix };
}

/** The revision of "tree/main" or "blob/main/config.json". Throws for other pages and for folders. */
function revisionOfPage(page: string, rest: readonly string[], typed: string): string {
  if (!AT_REVISION.includes(page)) {
    throw refused(typed, `"${page}" is not the model itself`, "Copy the address of the model's first page.");
  }
  // Branches of pull requests and conversions have three parts, "refs/pr/1"; the Hub writes them refs%2Fpr%2F1.
  const parts = rest.length >= 3 && rest[0] === "refs" ? [rest.slice(0, 3).join("/"), ...rest.slice(3)] : rest;
  const [revision = "", ...inside] = parts;
  if (page === "tree" && inside.length > 0) {
    throw refused(typed, "it points into a folder", "Models are read from the top of their repository.");
  }
  return revision.replaceAll(/%2f/gi, "/");
}

const isName = (part: string) => NAME.test(part) && !part.includes("--");
const isRevision = (text: string) => text.length <= 200 && REVISION.test(text) && !/\.lock$|\.$/.test(text);

function notModel(owner: string, typed: string): LorikeetError {
  return refused(typed, `it is ${NOT_MODELS[owner.toLowerCase()]}, not a model`);
}

/** One word alone: perhaps a listed model without its owner. */
function ownerMissing(word: string, typed: string): LorikeetError {
  const listed = CATALOGUE.find(({ id }) => id.slice(id.indexOf("/") + 1).toLowerCase() === word.toLowerCase());
  return refused(typed, "the owner is missing", listed && `Did you mean "${listed.id}"?`);
}

function refused(typed: string, why?: string, hint = COPY_HINT): LorikeetError {
  const reason = why === undefined ? "" : `: ${why}`;
  return configError(
    `model: expected "org/name" or the address of its page, got ${describeJson(typed)}${reason}`,
    hint,
  );
}
