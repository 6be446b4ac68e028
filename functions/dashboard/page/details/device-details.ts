/** The content of the dialog for one device: its twins compared with the baseline, its open rows and its timeline. */
import type { DeviceAnswer, DriftRow, OpenRow } from '../../../api/history-answers.ts';
import {
  badge,
  type Child,
  count,
  duration,
  el,
  foreign,
  json,
  ownValue,
  printable,
  reasonGroups,
  shortPath,
  subject,
  time,
  took,
  words,
} from '../markup/index.ts';
import { link, noPanel, toRow } from '../view/index.ts';
import { facts } from './facts.ts';
import { describeModule } from './module-details.ts';

/** Explains that the page cannot show a device whose id is `.` or `..`, because a URL path cannot contain such an id. */
export function describeUnaddressable(deviceId: string): Child {
  return [
    el(
      'p',
      { class: 'why' },
      'This page cannot read the twins of this device: browsers and proxies remove ',
      el('code', {}, deviceId),
      ' from the path of every address. The history has the drift of this device.',
    ),
    el('p', {}, onlyInHistory(deviceId)),
  ];
}

function onlyInHistory(deviceId: string): HTMLElement {
  return link({ deviceId, ...noPanel }, {}, 'Show the history of this device');
}

export function describeDevice(device: DeviceAnswer, readAgain: () => void): Child {
  const again = el('button', { type: 'button' }, 'Read again');
  again.addEventListener('click', readAgain);
  return [
    el(
      'p',
      { class: 'device-state' },
      stateOf(device),
      el('span', { class: 'muted' }, 'read ', time(device.at)),
      again,
      onlyInHistory(device.deviceId),
    ),
    facts([
      ['Policies', device.policies.length === 0 ? 'none' : foreign(device.policies.join(', '), 1000)],
      ['Edge', device.edge ? 'yes' : undefined],
      ['Last looked at', describeVerified(device)],
      ['Tags', Object.keys(device.tags).length === 0 ? undefined : el('code', {}, foreign(json(device.tags), 4200))],
    ]),
    device.modules.map(describeModule),
    device.open.length > 0 && [
      el('h3', {}, 'Out of line now'),
      reasonGroups(device.open, {
        reasonOf: ({ why }) => why.reason,
        describe: describeOpen,
        describeGroup: (its) => [...new Set(its.map(({ why }) => why.state))].map(badge),
        noun: 'rows',
      }),
    ],
    el('h3', {}, 'Timeline'),
    device.rows.length === 0
      ? el('p', { class: 'empty' }, 'The history has no drift of this device.')
      : el('ol', { class: 'timeline' }, device.rows.map(describeEntry)),
  ];
}

const looks = {
  event: 'an event told a change',
  read: 'its twin was read',
  sweepQuery: 'a sweep asked the hub',
  sweepRead: 'a sweep read all twins',
};

/** When the device was looked at last for each of its policies, and how. Nothing for a device to which no policy applies. */
function describeVerified({ verified, policies }: DeviceAnswer): Child {
  const lines = policies.map((policy) => {
    const last = verified.find((each) => each.policy === policy);
    return el(
      'div',
      {},
      policies.length > 1 && [foreign(policy, 64), ': '],
      last === undefined ? 'never' : [time(last.at), ` (${ownValue(looks, last.how) ?? last.how})`],
    );
  });
  return lines.length === 0 ? undefined : lines;
}

function stateOf({ exists, modules }: DeviceAnswer): HTMLElement {
  if (!exists) return el('span', { class: 'badge plain' }, 'not in the hub');
  const wrong = modules.reduce((sum, { properties }) => sum + properties.filter(({ ok }) => !ok).length, 0);
  if (wrong === 0) return el('span', { class: 'badge good' }, 'matches its baseline');
  return el('span', { class: 'badge warn' }, `${count(wrong)} ${wrong === 1 ? 'property' : 'properties'} out of line`);
}

function describeOpen(row: OpenRow, isInGroup: boolean): Child {
  return el(
    'div',
    { class: 'open-head' },
    !isInGroup && badge(row.why.state),
    link(toRow(row), {}, foreign(shortPath(subject(row)), 200)),
    el('span', { class: 'muted' }, 'since ', time(row.detectedAt)),
  );
}

function describeEntry(row: DriftRow): HTMLElement {
  const milliseconds = took(row);
  return el(
    'li',
    {},
    time(row.detectedAt),
    badge(row.outcome),
    el(
      'span',
      {},
      link(toRow(row), { title: printable(row.path, 400) }, foreign(shortPath(subject(row)), 200)),
      el('span', { class: 'muted' }, ` ${words(row.kind)}`),
    ),
    el('span', { class: 'number muted' }, milliseconds !== undefined && duration(milliseconds)),
  );
}
