/** Every request of the page and its engine, why there are no others, and whether the page needs a network at all. */
import { formatBytes, formatCount } from "../../core/units.ts";
import { Verdict } from "../kit/badge.tsx";
import { DataTable } from "../kit/data-table.tsx";
import { Details } from "../kit/details.tsx";
import { useAppState } from "../state/page.tsx";
import { offlineWords } from "./offline-words.ts";
import { allowedHosts, groupByHost, type HostGroup, pathOf, policyWords, trustWords, wasPushed } from "./requests.ts";
import { useOffline } from "./use-offline.ts";
import "./trust.css";

export function TrustPanel() {
  const requests = useAppState((state) => state.requests);
  const modelHere = useAppState(({ model }) => model.kept || (model.choice !== null && model.choice.kind !== "hub"));
  const offline = useOffline();
  const groups = groupByHost(requests, location.origin);
  return (
    <div className="c-trust">
      <Verdict tone={wasPushed(requests) ? "info" : "good"}>{trustWords(requests, groups)}</Verdict>
      {groups.length === 0 ? (
        <p className="k-soft">No file has been asked for yet.</p>
      ) : (
        groups.map((group) => <Host key={group.host} group={group} />)
      )}
      <p>{policyWords(allowedHosts(pagePolicy()))}</p>
      <p>{offlineWords(offline, modelHere)}</p>
    </div>
  );
}

/** As it stands in the built page; null where it is served without. */
const pagePolicy = (): string | null =>
  document.querySelector<HTMLMetaElement>('meta[http-equiv="Content-Security-Policy"]')?.content ?? null;

function Host({ group: { host, own, requests, count, bytes } }: { readonly group: HostGroup }) {
  // Of the page's own files not every size is told; a sum of some would be wrong.
  const counted = bytes !== null && !(own && requests.some((request) => request.bytes === null));
  const size = counted ? `, ${formatBytes(bytes)}` : "";
  const times = `${formatCount(count)} ${count === 1 ? "request" : "requests"}${size}`;
  return (
    <Details
      open={!own}
      summary={
        <span>
          {own ? `${host}, this page's own files` : host}: {times}
        </span>
      }
    >
      <DataTable
        caption={`Requests to ${host}`}
        height={16}
        rows={requests}
        rowKey={({ url }) => url}
        columns={[
          { key: "url", title: "File", render: ({ url }) => <Address url={url} /> },
          { key: "count", title: "Times", numeric: true, render: (request) => formatCount(request.count) },
          {
            key: "bytes",
            title: "Size",
            numeric: true,
            render: (request) => (request.bytes === null ? "–" : formatBytes(request.bytes)),
          },
        ]}
      />
    </Details>
  );
}

function Address({ url }: { readonly url: string }) {
  return <span className="c-trust-address">{pathOf(url, location.origin)}</span>;
}
