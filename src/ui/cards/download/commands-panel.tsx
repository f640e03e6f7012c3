/** Commands for other tools, to copy. */
import { Section } from "../../kit/card.tsx";
import { Copyable } from "../../kit/copyable.tsx";
import { Tabs } from "../../kit/tabs.tsx";
import { useAppState } from "../../state/page.tsx";
import { type CommandTab, commandTabs } from "./commands.ts";

const ZIPS: Readonly<Record<string, string>> = { "mlx.zip": "the zip for mlx-lm", "peft.zip": "the zip for PEFT" };

export function CommandsPanel() {
  const choice = useAppState((state) => state.model.choice);
  const hasChatTemplate = useAppState((state) => state.model.hasChatTemplate);
  const question = useAppState((state) => state.run.probes[0]);
  const dora = useAppState((state) => state.run.config?.fineTuneType === "dora");
  if (!choice) return null;
  const tabs = commandTabs({ choice, hasChatTemplate, question, dora }).map((tab) => ({
    ...{ id: tab.id, title: tab.title, content: <Commands tab={tab} /> },
  }));
  return (
    <Section title="Use it elsewhere">
      <Tabs label="Tools" tabs={tabs} />
    </Section>
  );
}

function Commands({ tab: { needs, notes, blocks } }: { readonly tab: CommandTab }) {
  return (
    <div className="c-download-commands">
      {blocks.length > 0 && needs.folder !== null && (
        <p>
          Unpack {ZIPS[needs.file]} as the folder <code>{needs.folder}</code>.
        </p>
      )}
      {blocks.length > 0 && needs.folder === null && (
        <p>
          Download <code>{needs.file}</code>, and put it where you give these commands.
        </p>
      )}
      {notes.map((note) => (
        <p key={note} className="k-soft">
          <WithCode text={note} />
        </p>
      ))}
      {blocks.map(({ label, text }) => (
        <Copyable key={label} label={label} text={text} />
      ))}
    </div>
  );
}

/** Words between backticks as code. */
function WithCode({ text }: { readonly text: string }) {
  // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no other identity.
  return text.split("`").map((piece, i) => (i % 2 === 1 ? <code key={i}>{piece}</code> : piece));
}
