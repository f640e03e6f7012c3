/** The access token for gated models, and the steps to get one. */
import { Button } from "../../kit/button.tsx";
import { SwitchField, TextField } from "../../kit/fields.tsx";
import { Notice } from "../../kit/notice.tsx";
import { hubToken, useHubToken } from "../../state/hub-token.ts";

const TOKENS_PAGE = "https://huggingface.co/settings/tokens";

export function TokenField() {
  const { token, kept, refused } = useHubToken();
  return (
    <div className="c-model-token">
      <TextField
        label="Access token"
        type="password"
        placeholder="hf_…"
        value={token}
        onChange={hubToken.set}
        description="Sent to the Hub only. Stays in memory until this tab closes."
        mono
      />
      <div className="k-row">
        <SwitchField
          label="Keep it in this browser"
          description="Whoever uses this browser profile can read it."
          value={kept}
          onChange={hubToken.keep}
          disabled={token === ""}
          {...(refused && { error: "This browser keeps nothing here; the token stays in memory." })}
        />
        {token !== "" && (
          <Button kind="quiet" icon="trash" onPress={hubToken.forget}>
            Forget the token
          </Button>
        )}
      </div>
    </div>
  );
}

/** How to get at a gated model. */
export function GatedSteps({ page }: { readonly page: string }) {
  return (
    <Notice tone="info" title="Its owner asks for consent before the download">
      <GatedList page={page} />
      <TokenField />
    </Notice>
  );
}

export function GatedList({ page }: { readonly page: string }) {
  return (
    <ol className="c-model-steps">
      <li>
        Accept the terms on{" "}
        <a href={page} target="_blank" rel="noreferrer">
          the model's page
        </a>
        , with a Hugging Face account.
      </li>
      <li>
        Create a{" "}
        <a href={TOKENS_PAGE} target="_blank" rel="noreferrer">
          read token
        </a>{" "}
        of the same account.
      </li>
      <li>Paste it here.</li>
    </ol>
  );
}
