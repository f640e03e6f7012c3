/** What went wrong with the model, in words of its own, and buttons that lead on. */
import { type ReactNode, useEffect, useRef } from "react";
import type { ErrorData } from "../../../core/errors.ts";
import type { ModelState } from "../../../worker/protocol.ts";
import { Button } from "../../kit/button.tsx";
import { Notice } from "../../kit/notice.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import { type Source, smallerModel, sourceOf } from "./choices.ts";
import { failureOf, type Remedy } from "./failures.ts";
import { HUB_FIELD } from "./hub-panel.tsx";
import { tooLarge } from "./summary.ts";
import { GatedList, TokenField } from "./token-field.tsx";
import { useChoose } from "./use-choose.ts";

interface ModelProblemProps {
  readonly onSource: (source: Source) => void;
  readonly onFreeSpace: () => void;
}

export function ModelProblem(props: ModelProblemProps) {
  const model = useAppState((state) => state.model);
  const problem = useAppState((state) => (state.problem?.card === "model" ? state.problem.error : null));
  const large = useAppState(tooLarge);
  // A refused action and the state it led to may say the same.
  const error =
    model.error ?? problem ?? (large && ({ kind: "model", message: large, code: "model-too-large" } as const));
  return error ? <Problem {...props} model={model} error={error} /> : null;
}

interface ProblemProps extends ModelProblemProps {
  readonly model: ModelState;
  readonly error: ErrorData;
}

function Problem({ model, error, onSource, onFreeSpace }: ProblemProps) {
  const { title, advice, remedies } = failureOf(error, model.facts !== null, model.choice?.kind);
  const gated = error.code === "gated";
  const field = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (gated) field.current?.querySelector("input")?.focus();
  }, [gated]);
  const buttons = remedies.map((remedy, i) => (
    <RemedyButton
      key={remedy}
      kind={i === 0 && remedy !== "change-id" ? "primary" : "plain"}
      {...{ remedy, model, onSource, onFreeSpace }}
    />
  ));
  return (
    <Notice tone={gated ? "warn" : "bad"} title={title} actions={buttons}>
      <pre className="c-model-error">{error.message}</pre>
      {error.hint && <p>{error.hint}</p>}
      {advice.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      {gated && model.choice?.kind === "hub" && (
        <div ref={field}>
          <GatedList page={`https://huggingface.co/${model.choice.id}`} />
          <TokenField />
        </div>
      )}
    </Notice>
  );
}

interface RemedyButtonProps extends ModelProblemProps {
  readonly remedy: Remedy;
  readonly kind: "primary" | "plain";
  readonly model: ModelState;
}

function RemedyButton({ remedy, kind, model, onSource, onFreeSpace }: RemedyButtonProps): ReactNode {
  const { actions } = usePage();
  const catalogue = useAppState((state) => state.catalogue);
  const choose = useChoose();
  const { choice } = model;
  const again = () => (choice ? choose(choice) : choose({ kind: "demo" }));
  const button = (words: string, onPress: () => void) => (
    <Button kind={kind} onPress={onPress}>
      {words}
    </Button>
  );
  switch (remedy) {
    case "load-again":
      return button("Try again", () => void actions.loadModel());
    case "choose-again":
      // A dropped folder is gone with its event.
      return choice?.kind === "folder"
        ? button("Choose the folder again", () => onSource("folder"))
        : button("Try again", again);
    case "token":
      return button("Try again with this token", again);
    case "catalogue":
      return button("Choose from the catalogue", () => onSource("catalogue"));
    case "free-space":
      return button("Free space", onFreeSpace);
    case "change-id":
      if (sourceOf(choice, catalogue) === "catalogue") return null; // its name is right
      return button("Change the name", () => {
        onSource("hub");
        requestAnimationFrame(() => document.getElementById(HUB_FIELD)?.querySelector("input")?.focus());
      });
    case "smaller": {
      const id = choice?.kind === "hub" ? choice.id : undefined;
      const smaller = smallerModel(catalogue, { id, parameters: model.facts?.parameters });
      return smaller && button(`Use ${smaller.title}, which fits`, () => choose({ kind: "hub", id: smaller.id }));
    }
  }
}
