/** The adapter to the person's own account on the Hub: the one thing that leaves this tab, and only when asked for. */
import { type FormEvent, useState } from "react";
import { Button, LinkButton } from "../../kit/button.tsx";
import { Section } from "../../kit/card.tsx";
import { Details } from "../../kit/details.tsx";
import { SwitchField, TextField } from "../../kit/fields.tsx";
import { ErrorNotice, Notice } from "../../kit/notice.tsx";
import { hubToken } from "../../state/hub-token.ts";
import { useAppState, usePage } from "../../state/page.tsx";
import { pushTitle, repositoryProblem, TOKENS_PAGE, tokenProblem } from "./hub-push.ts";

export function PushPanel() {
  return (
    <Section title="Push to the Hub">
      <p className="k-soft">
        Uploads the adapter, its record and metrics to your account on Hugging Face. It is the only thing that ever
        leaves this tab, and only when you press the button.
      </p>
      <Details summary="Push with your own token">
        <PushForm />
      </Details>
    </Section>
  );
}

function PushForm() {
  const [repository, setRepository] = useState("");
  const [token, setToken] = useState(() => hubToken.get() ?? "");
  const [hidden, setHidden] = useState(true);
  const [tried, setTried] = useState(false);
  const push = usePush();
  const problems = { repository: repositoryProblem(repository), token: tokenProblem(token) };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!problems.repository && !problems.token) push.begin(repository.trim(), token.trim(), hidden);
  };
  const shown = (problem: string | null) => (tried && problem ? { error: problem } : {});
  return (
    <form className="c-download-push" onSubmit={onSubmit} noValidate>
      <TextField
        {...{
          label: "Repository",
          placeholder: "account/name",
          value: repository,
          onChange: setRepository,
          mono: true,
        }}
        {...shown(problems.repository)}
        description="It is made if there is none of this name."
      />
      <TextField
        {...{ label: "Access token that may write", type: "password", placeholder: "hf_…", value: token, mono: true }}
        {...shown(problems.token)}
        onChange={setToken}
        description={
          <>
            Sent with this upload only, and not kept.{" "}
            <a href={TOKENS_PAGE} target="_blank" rel="noreferrer">
              Make one on the Hub
            </a>
            .
          </>
        }
      />
      <SwitchField
        {...{ label: "Private", value: hidden, onChange: setHidden }}
        description="Only you can see it. This can be changed on the Hub."
      />
      <div>
        <Button type="submit" icon="upload" busy={push.busy}>
          Push to the Hub
        </Button>
      </div>
      <PushResult {...push} />
    </form>
  );
}

type Push = ReturnType<typeof usePush>;

function PushResult({ failed, url }: Pick<Push, "failed" | "url">) {
  const error = useAppState((state) => (state.problem?.card === "download" ? state.problem.error : null));
  if (failed && error) return <ErrorNotice error={error} title={pushTitle(error)} />;
  if (url === null) return null;
  return (
    <div role="status">
      <Notice
        tone="good"
        title="The adapter is on the Hub"
        actions={
          <LinkButton href={url} icon="external">
            {url.replace(/^https?:\/\//, "")}
          </LinkButton>
        }
      />
    </div>
  );
}

function usePush() {
  const { actions } = usePage();
  const id = useAppState((state) => state.run.id);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(false);
  const [url, setUrl] = useState<string | null>(null);
  const push = async (repository: string, token: string, isPrivate: boolean) => {
    if (id === null) return;
    setBusy(true);
    setFailed(false);
    setUrl(null);
    const answer = await actions.pushToHub(id, repository, token, isPrivate);
    setBusy(false);
    setUrl(answer?.url ?? null);
    setFailed(answer === null);
  };
  return {
    ...{ busy, failed, url },
    begin: (repository: string, token: string, isPrivate: boolean) => void push(repository, token, isPrivate),
  };
}
