/** The gallery's tables, tokens, tabs and the memory plan. */
import { formatBytes } from "../../../src/core/units.ts";
import { Columns, Section } from "../../../src/ui/kit/card.tsx";
import { DataTable } from "../../../src/ui/kit/data-table.tsx";
import { StackedBar } from "../../../src/ui/kit/stacked-bar.tsx";
import { Tabs } from "../../../src/ui/kit/tabs.tsx";
import { TokenText } from "../../../src/ui/kit/token-text.tsx";
import { inventTokens } from "./gallery-data.ts";

const TOKENS = inventTokens(2000);
const ROWS = Array.from({ length: 120 }, (_, i) => ({
  line: i + 1,
  question: `What does the ${i % 3 === 0 ? "lorikeet" : "heron"} eat in ${2000 + i}?`,
  tokens: 40 + ((i * 37) % 90),
}));
const PARTS = [
  { label: "Model", value: 988e6, hue: "accent" },
  { label: "Adapter and moments", value: 140e6, hue: "blue" },
  { label: "Activations", value: 720e6, hue: "violet" },
  { label: "Working space", value: 210e6, hue: "amber" },
] as const;

/** What has more than a line to show. */
export function Showing() {
  return (
    <>
      <Columns>
        <StackedBar title="Memory" parts={PARTS} limit={4e9} limitLabel="This device" format={formatBytes} />
        <StackedBar title="Memory" parts={PARTS} limit={1.6e9} limitLabel="This device" format={formatBytes} />
      </Columns>
      <Section title="As the model sees it">
        <TokenText label="Tokens of record 1" tokens={TOKENS} />
      </Section>
      <Tabs
        label="Views of the dataset"
        tabs={[
          {
            id: "table",
            title: "Records",
            content: (
              <DataTable
                caption="Records of train.jsonl"
                columns={[
                  { key: "line", title: "Line", numeric: true },
                  { key: "question", title: "Question" },
                  { key: "tokens", title: "Tokens", numeric: true },
                ]}
                rows={ROWS}
                rowKey={({ line }) => line}
                height={14}
              />
            ),
          },
          {
            id: "empty",
            title: "Problems",
            content: (
              <DataTable
                caption="Problems"
                columns={[{ key: "line", title: "Line" }]}
                rows={[]}
                rowKey={() => 0}
                empty="No problems found."
              />
            ),
          },
        ]}
      />
    </>
  );
}
