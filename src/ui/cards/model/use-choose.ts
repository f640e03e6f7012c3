/** Choosing a model from any part of the card: the token goes along, and the card stays open to show what came of it. */
import type { DroppedFile, ModelChoice } from "../../../worker/protocol.ts";
import { hubToken } from "../../state/hub-token.ts";
import { usePage } from "../../state/page.tsx";

export type Choose = (choice: ModelChoice, files?: readonly DroppedFile[]) => void;

export function useChoose(): Choose {
  const { actions } = usePage();
  return (choice, files) => {
    const token = choice.kind === "hub" ? hubToken.get() : undefined;
    actions.toggleCard("model", true);
    void actions.chooseModel(choice, { ...(files && { files }), ...(token !== undefined && { token }) });
  };
}
