/** A previewed record as the kit shows tokens. Pure. */
import { formatCount } from "../../../core/units.ts";
import type { ExamplePreview } from "../../../worker/protocol.ts";

interface Token {
  readonly text: string;
  readonly id: number;
  readonly loss: boolean;
  readonly special: true | undefined;
}

/** One per id; of a piece with several ids the first has the text. Only what the model sees. */
export function tokensOf({ pieces, truncatedAt }: ExamplePreview): Token[] {
  return pieces
    .slice(0, truncatedAt ?? pieces.length)
    .flatMap(({ text, ids, supervised, special }) =>
      ids.map((id, i) => ({ text: i === 0 ? text : "", id, loss: supervised, special: special || undefined })),
    );
}

/** What is cut off, as text; empty when nothing is. */
export const cutText = ({ pieces, truncatedAt }: ExamplePreview): string =>
  truncatedAt === null
    ? ""
    : pieces
        .slice(truncatedAt)
        .map(({ text }) => text)
        .join("");

/** "132 tokens, 48 carry loss" */
export function tokenWords({ tokens, supervised }: ExamplePreview): string {
  const carry = supervised === 1 ? "1 carries loss" : `${formatCount(supervised)} carry loss`;
  return `${formatCount(tokens)} ${tokens === 1 ? "token" : "tokens"}, ${carry}`;
}

/** How many tokens lie behind the cut. */
export const cutCount = ({ pieces, truncatedAt }: ExamplePreview): number =>
  truncatedAt === null ? 0 : pieces.slice(truncatedAt).reduce((sum, { ids }) => sum + ids.length, 0);
