import { describeActor, describeTarget } from '../../../../shared/actions/index.ts';
import { frameworks } from '../frameworks.ts';
import type { Report, ReportFile, Seal } from '../report.ts';
import { html, type Markup } from './markup.ts';
import { table } from './table.ts';
import { counted, cut, grouped, time } from './words.ts';

/** What operators did. */
export function actionsSection({
  actions,
  files,
  isOfOnePolicy,
}: Pick<Report, 'actions' | 'files' | 'isOfOnePolicy'>): Markup {
  const { listed, total } = actions;
  const file = files.find(({ content }) => content === 'actions')?.name ?? '';
  return html`<section>
<h2 id="actions">Actions</h2>
<p>What operators did by hand, and changes of policies that the app noticed${isOfOnePolicy ? ': actions on this policy, and on no policy in particular' : ''}. A name such as
ada@build-7 is a user and a host of the command line: the command states it, and nothing checks it.</p>
${
  total === 0
    ? html`<p class="notice">No action is recorded in the range.</p>`
    : html`${listed.length < total ? html`<p>The newest ${grouped(listed.length)} of ${counted(total, 'action')}. The file ${file} has all.</p>` : ''}${table(
        'Actions, newest first',
        [
          { title: 'Began', type: 'head' },
          { title: 'Action and target' },
          { title: 'By' },
          { title: 'Reason' },
          { title: 'Result' },
        ],
        listed.map(({ at, action, target, by, reason, result, detail }) => [
          time(at),
          html`<b>${action}</b><br>${describeTarget(target) || 'the whole app'}`,
          describeActor(by),
          reason === '' ? html`<span class="muted">none given</span>` : cut(reason, 500),
          html`<span class="outcome ${result === 'failed' ? 'bad' : result === 'started' ? 'warn' : 'plain'}">${result === 'started' ? 'started, end not recorded' : result}</span>${detail === '' ? '' : html`<br>${cut(detail)}`}`,
        ]),
      )}`
}
</section>`;
}

/** The sealed days of the range. */
export function sealsSection(seals: readonly Seal[] | undefined): Markup {
  return html`<section>
<h2 id="seals">Seals</h2>
${
  seals === undefined
    ? html`<p class="notice">The seals were not read. Only a report from the storage account has them, made by somebody who may read its blobs.</p>`
    : seals.length === 0
      ? html`<p class="notice">Nothing is sealed in the range: nothing here shows whether somebody who can write to the storage account has changed the history.</p>`
      : html`<p>A sealed day is a copy of the history of the day with a manifest, whose hash is part of the next day's manifest. This list
checks nothing: “twinkeeper verify” checks the seals, and compares the history with them.</p>${table(
          'Sealed days',
          [{ title: 'Day', type: 'head' }, { title: 'SHA-256 of the manifest' }, { title: 'Verified' }],
          seals.map(({ day, manifestSha256, verified }) => [
            day,
            html`<code>${manifestSha256}</code>`,
            verified === undefined
              ? 'not checked'
              : verified
                ? 'the tables say what was sealed'
                : html`<span class="outcome bad">the tables differ from what was sealed</span>`,
          ]),
        )}`
}
</section>`;
}

/** The controls that such evidence can serve. */
export function frameworksSection(): Markup {
  return html`<section>
<h2 id="controls">What this evidence can serve</h2>
<p>This table is a help to find a use for the report. It is no certification and no statement of conformity: whether a control is met depends on the
organization, its scope and its other evidence. An auditor decides. The criteria of SOC 2 have texts and no names; here they are named by their subject.</p>
${frameworks.map(({ name, controls }) =>
  table(
    name,
    [
      { title: 'Number', type: 'head', width: 10 },
      { title: 'Name', width: 35 },
      { title: 'Why', width: 50 },
    ],
    controls.map(({ id, name, why }) => [id, name, why]),
  ),
)}
</section>`;
}

/** The files beside the report. */
export function filesSection(files: readonly ReportFile[]): Markup {
  return html`<section>
<h2 id="files">Files</h2>
<p>These files belong to the report, and are beside it. A changed file has another hash.</p>
${table(
  'Files of this report',
  [{ title: 'File', type: 'head' }, { title: 'Content' }, { title: 'Rows', type: 'number' }, { title: 'SHA-256' }],
  files.map(({ name, content, rows, sha256 }) => [name, content, grouped(rows), html`<code>${sha256}</code>`]),
)}
</section>`;
}
