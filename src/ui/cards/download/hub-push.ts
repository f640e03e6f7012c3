/** What the form for the Hub asks for, and what is wrong with what it got. Pure. */
import type { ErrorData } from "../../../core/errors.ts";

export const TOKENS_PAGE = "https://huggingface.co/settings/tokens";

/** What is wrong with a repository's name, or null. */
export function repositoryProblem(name: string): string | null {
  const text = name.trim();
  if (text === "") return "Name the repository: your account, a slash, and a name.";
  if (!text.includes("/")) return `Expected account/name, got “${text}”: the account is missing.`;
  if (/^[\w][\w.-]*\/[\w][\w.-]*$/.test(text)) return null;
  return `Expected account/name with letters, digits, “-”, “_” and “.”, got “${text}”.`;
}

/** What is wrong with a token, or null. Only the Hub knows whether it is good. */
export function tokenProblem(token: string): string | null {
  const text = token.trim();
  if (text === "") return "Paste a token that may write.";
  return /\s/.test(text) ? "A token has no blanks; copy it again." : null;
}

/** What failed, when it was not the person's own doing. */
export function pushTitle(error: ErrorData): string {
  return error.code === "offline" ? "The Hub could not be reached" : "The Hub did not take the adapter";
}
