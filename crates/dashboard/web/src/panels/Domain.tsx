/** Whether a mail domain takes mail for any address ("catch-all"), as far as deliveries and bounces tell. */
import { useEffect, useId, useState, type FormEvent } from "react";
import { asApiError } from "../api/problem";
import { useDomain } from "../api/queries";
import type { DomainVerdict } from "../api/types";
import { formatCount, plural } from "../format/number";
import { isDomain } from "../state/url";
import { changeView } from "../state/useView";
import { Answer } from "../ui/Answer";
import { Panel } from "../ui/Panel";
import { SkeletonRows } from "../ui/Skeleton";

const headings: Record<DomainVerdict["status"], string> = { "catch-all": "Catch-all", "not catch-all": "Not catch-all", unknown: "Unknown" };

function explain({ status, delivered, bounced }: DomainVerdict): string {
  switch (status) {
    case "catch-all":
      return `${plural(delivered, "message")} delivered and none bounced: it takes mail for any address, so a delivery proves nothing about one.`;
    case "not catch-all":
      return `${plural(bounced, "message")} bounced: it refuses addresses that don't exist, so a delivery means something.`;
    case "unknown":
      return delivered === 0
        ? "No mail to this domain was recorded, neither delivered nor bounced."
        : `${plural(delivered, "message")} delivered and none bounced: not enough yet to call it catch-all.`;
  }
}

/** Until something is looked up: what there is to learn. */
function Meanings() {
  return (
    <dl className="meanings">
      <div>
        <dt>Catch-all</dt>
        <dd>Takes mail for any address: many messages delivered, none bounced.</dd>
      </div>
      <div>
        <dt>Not catch-all</dt>
        <dd>Refuses addresses that don't exist: at least one message bounced.</dd>
      </div>
      <div>
        <dt>Unknown</dt>
        <dd>Too few messages to tell.</dd>
      </div>
    </dl>
  );
}

export function Domain({ domain }: { domain: string | null }) {
  const [text, setText] = useState(domain ?? "");
  const [refused, setRefused] = useState(false);
  useEffect(() => {
    setText(domain ?? "");
    setRefused(false);
  }, [domain]);
  const verdict = useDomain(domain);
  const inputId = useId();
  const errorId = useId();
  const problem = verdict.error ? asApiError(verdict.error) : null;
  const invalid = problem && [400, 404, 422].includes(problem.status) ? problem : null;
  const fault = refused ? "This is not a domain." : invalid && (invalid.errors[0]?.message ?? invalid.message);
  const look = (event: FormEvent) => {
    event.preventDefault();
    const wanted = text.trim();
    setRefused(!isDomain(wanted));
    if (!isDomain(wanted)) {
      return;
    }
    if (wanted === domain) {
      void verdict.refetch();
    } else {
      changeView({ domain: wanted || null });
    }
  };
  return (
    <Panel title="Mail domain" testId="domain">
      <form className="inline-form domain-form" onSubmit={look}>
        <label className="hidden" htmlFor={inputId}>
          Domain
        </label>
        <input
          id={inputId}
          className="input"
          placeholder="example.com"
          autoCapitalize="none"
          autoComplete="off"
          spellCheck={false}
          inputMode="url"
          value={text}
          aria-invalid={fault !== null}
          aria-describedby={fault ? errorId : undefined}
          onChange={(event) => setText(event.target.value)}
        />
        <button type="submit" className="button">
          Look up
        </button>
      </form>
      {fault ? (
        <p className="field-error" id={errorId} role="alert">
          {fault}
        </p>
      ) : domain === null ? (
        <Meanings />
      ) : (
        <Answer question={verdict} skeleton={<SkeletonRows rows={3} />}>
          {(answer) => (
            <div className="verdict" role="status">
              <p className="verdict-domain">{answer.domain}</p>
              <p className={`verdict-status verdict-${answer.status.replaceAll(" ", "-")}`} data-testid="domain-verdict">
                {headings[answer.status]}
              </p>
              <p className="verdict-text">{explain(answer)}</p>
              <dl className="pair">
                <div>
                  <dt>Delivered</dt>
                  <dd>{formatCount(answer.delivered)}</dd>
                </div>
                <div>
                  <dt>Bounced</dt>
                  <dd>{formatCount(answer.bounced)}</dd>
                </div>
              </dl>
            </div>
          )}
        </Answer>
      )}
    </Panel>
  );
}
