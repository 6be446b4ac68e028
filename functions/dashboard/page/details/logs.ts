/** Queries for Azure's logs about one history row: the app's own lines, and what IoT Hub logged about the writer. */
import type { DriftRow } from '../../../api/history-answers.ts';
import { type Child, el, fill, iso, printable } from '../markup/index.ts';

const minute = 60_000;

/** The portal of the cloud that a hub's host name belongs to. */
const portals: readonly (readonly [suffix: string, portal: string])[] = [
  ['.azure-devices.cn', 'https://portal.azure.cn'],
  ['.azure-devices.us', 'https://portal.azure.us'],
];
const logsPage = '#view/Microsoft_Azure_Monitoring/AzureMonitoringBrowseBlade/~/logs';

/** Shows the queries, each with a button that copies it, and a link to the page of the portal that runs them. */
export function describeLogs(row: DriftRow): HTMLElement {
  const portal = portals.find(([suffix]) => row.hub.endsWith(suffix))?.[1] ?? 'https://portal.azure.com';
  const { correlationId } = row;
  return el(
    'section',
    { class: 'logs' },
    el('h3', {}, 'In Azure’s logs'),
    el(
      'p',
      { class: 'why' },
      'Copy a query, ',
      el(
        'a',
        { href: `${portal}/${logsPage}`, target: '_blank', rel: 'noopener noreferrer' },
        'open the logs in the Azure portal',
      ),
      ' (in a new tab), choose the workspace, and run it there.',
    ),
    correlationId !== undefined &&
      describeQuery(
        'What the app logged about this event',
        'The workspace of the app. The operation id in the answer finds the whole invocation.',
        appQuery(correlationId, row.detectedAt),
      ),
    describeQuery(
      'What IoT Hub logged about the writer',
      'The workspace of the hub, if a diagnostic setting of the hub sends it the categories C2DTwinOperations, Configurations and JobsOperations. ' +
        'Their documented fields name the program by its SDK, the job, or the configuration. They do not name a user, a key or the module.',
      writerQuery(row),
    ),
  );
}

function describeQuery(title: string, where: string, query: string): Child {
  const shown = el(
    'pre',
    { tabindex: '0', role: 'region', 'aria-label': title },
    el('bdi', {}, printable(query, 4000)),
  );
  const button = el('button', { type: 'button' }, 'Copy');
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(query);
      fill(button, 'Copied');
    } catch {
      // A page without the right to the clipboard selects the text, so that the user can copy it.
      getSelection()?.selectAllChildren(shown);
      fill(button, 'Selected: copy it');
    }
  });
  return el(
    'details',
    {},
    el('summary', {}, title),
    el('p', { class: 'why' }, where),
    el('div', { class: 'query' }, shown, button),
  );
}

/** The log lines of the app with the correlation id that the hub gave to the event. */
function appQuery(correlationId: string, detectedAt: string): string {
  const [from, to] = around(detectedAt, 60 * minute);
  return [
    'AppTraces',
    `| where TimeGenerated between (${from} .. ${to})`,
    `| where Message has ${literal(correlationId)}`,
    '| project TimeGenerated, OperationId, Message',
    '| order by TimeGenerated asc',
  ].join('\n');
}

/**
 * The writes from a service to the device's twins around the time of the write, with the jobs and configurations of that time. Source of the
 * categories and fields: "Azure IoT Hub monitoring data reference".
 */
function writerQuery({ hub, deviceId, write, operationTimestamp, detectedAt }: DriftRow): string {
  const written = operationTimestamp ?? (write?.exact ? write.at : undefined);
  const [from, to] = around(written ?? detectedAt, written === undefined ? 60 * minute : 5 * minute);
  return [
    'AzureDiagnostics',
    `| where TimeGenerated between (${from} .. ${to})`,
    `| where ResourceType == "IOTHUBS" and Resource =~ ${literal(hub.split('.')[0] ?? hub)}`,
    '| where Category in ("C2DTwinOperations", "Configurations", "JobsOperations") and OperationName !~ "read"',
    '| extend its = parse_json(properties_s)',
    `| where Category != "C2DTwinOperations" or tostring(its.deviceId) == ${literal(deviceId)}`,
    '| project TimeGenerated, Category, OperationName, deviceId = tostring(its.deviceId), sdkVersion = tostring(its.sdkVersion),',
    '    jobId = tostring(its.jobId), configurationId = tostring(its.configurationId), ResultType, ResultDescription',
    '| order by TimeGenerated asc',
  ].join('\n');
}

function around(at: string, milliseconds: number): readonly [string, string] {
  const datetime = (time: number) => `datetime(${iso(time)})`;
  return [datetime(Date.parse(at) - milliseconds), datetime(Date.parse(at) + milliseconds)];
}

/** Text as a string of the Kusto Query Language, whose escapes are those of JSON. */
function literal(text: string): string {
  return JSON.stringify(text);
}
