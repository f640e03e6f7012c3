/** What is going on with the data, what went wrong, and what is missing. */
import { Button } from "../../kit/button.tsx";
import { ErrorNotice, Notice } from "../../kit/notice.tsx";
import { Progress } from "../../kit/progress.tsx";
import { Status } from "../../kit/status.tsx";
import { useAppState, usePage } from "../../state/page.tsx";

/** Progress while reading or checking. */
export function Reading() {
  const phase = useAppState(({ data }) => data.phase);
  const percent = useAppState(({ data }) => (data.progress === null ? null : Math.floor(100 * data.progress)));
  if (phase !== "reading" && phase !== "checking") return null;
  const words = phase === "reading" ? "Reading the files" : "Looking at every record as the model would see it";
  return (
    <>
      <Progress label={words} value={percent === null ? undefined : percent / 100} />
      <Status text={percent === null ? words : `${words}: ${percent} percent`} />
    </>
  );
}

/** The reading failed, or nothing can be used, or an action was refused. */
export function DataProblem() {
  const { actions } = usePage();
  const error = useAppState(({ data }) => data.error);
  const problem = useAppState((state) => (state.problem?.card === "data" ? state.problem.error : null));
  const fromSample = useAppState(({ data }) => data.source === "sample");
  if (!error && !problem) return null;
  // A refused action and the state it led to say the same.
  const other = problem && problem.message !== error?.message ? problem : null;
  const buttons =
    error?.kind === "model" ? (
      <Button onPress={() => actions.toggleCard("model", true)}>Choose another model</Button>
    ) : (
      fromSample && <Button onPress={() => void actions.openSample()}>Try again</Button>
    );
  return (
    <>
      {error && <ErrorNotice error={error} actions={buttons || undefined} />}
      {other && <ErrorNotice error={other} />}
    </>
  );
}

/** Data is read, but there is nobody to read it for; or the model cannot take conversations. */
export function NoModel() {
  const { actions } = usePage();
  const waiting = useAppState(({ data, model }) => data.phase === "ready" && data.diagnosis === null && !model.facts);
  const refused = useAppState(
    ({ data, model }) => !model.hasChatTemplate && (data.diagnosis?.counts["template-refuses"] ?? 0) > 0,
  );
  const button = <Button onPress={() => actions.toggleCard("model", true)}>Choose a model</Button>;
  if (waiting) {
    return (
      <Notice tone="info" title="The data is read; choose a model to see it as the model will" actions={button}>
        <p>Tokens, lengths and most checks depend on the model's tokenizer and chat template.</p>
      </Notice>
    );
  }
  if (!refused) return null;
  return (
    <Notice tone="warn" title="This model has no chat template, so it cannot read conversations" actions={button}>
      <p>
        Choose a model that was trained to chat (often “Instruct” in its name), or use plain text or prompts with
        answers.
      </p>
    </Notice>
  );
}
