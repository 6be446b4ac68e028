/** Checks the alerts and the workbook in the committed form of the deployment, so that the test needs no compiler. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { projectRoot } from '../../../infra/local/project.ts';
import { statusPrefix, statusSchema } from '../../../shared/status/index.ts';
import { readPage } from '../../docs/markdown.ts';
import { azureFolder, type PredictedResource, type Snapshot } from './bicep.ts';

const read = (path: string) => readFile(join(projectRoot(), path), 'utf8');
const { predictedResources } = JSON.parse(await readFile(join(azureFolder, 'main.snapshot.json'), 'utf8')) as Snapshot;
const ofType = (type: string) => predictedResources.filter((resource) => resource.type === type);

const onLog = ofType('Microsoft.Insights/scheduledQueryRules');
const onMetrics = ofType('Microsoft.Insights/metricAlerts');

interface AlertProperties {
  readonly description: string;
  readonly severity: number;
  readonly enabled: boolean;
  readonly autoMitigate: boolean;
  readonly windowSize: string;
  readonly criteria: { readonly allOf: readonly Readonly<Record<string, unknown>>[] };
}

function propertiesOf(alert: PredictedResource): AlertProperties {
  return alert.properties as unknown as AlertProperties;
}

/** The severity of each alert by its name, without the parts that all names share. */
function severities(alerts: readonly PredictedResource[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    alerts.map((alert) => [
      /^twinkeeper-(.*)-[a-z0-9]+$/.exec(alert.name)?.[1] ?? alert.name,
      propertiesOf(alert).severity,
    ]),
  );
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
}
const schema = z.toJSONSchema(statusSchema) as JsonSchema;

/** The paths in a query that the status does not have, such as `sweepAge` for `status.sweepAge`. */
function unknownFields(query: string): readonly string[] {
  const paths = [...query.matchAll(/\bstatus\.(\w+(?:\.\w+)*)/g)].map(([, path = '']) => path.split('.'));
  const ofPolicies = [...query.matchAll(/\bentry\.(\w+)/g)].map(([, field = '']) => field);
  return [
    ...paths.filter((path) => path.reduce<JsonSchema | undefined>(partOf, schema) === undefined).map(String),
    ...ofPolicies.filter((field) => partOf(schema.properties?.compliance?.items, field) === undefined),
  ];
}

function partOf(part: JsonSchema | undefined, field: string): JsonSchema | undefined {
  return part?.properties !== undefined && Object.hasOwn(part.properties, field) ? part.properties[field] : undefined;
}

const alertQueries = onLog.flatMap((alert) => propertiesOf(alert).criteria.allOf.map(({ query }) => String(query)));
const workbook = JSON.parse(String(ofType('Microsoft.Insights/workbooks')[0]?.properties?.serializedData)) as object;

/** The queries anywhere in a workbook. */
function queriesIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) =>
    key === 'query' && typeof each === 'string' ? [each] : queriesIn(each),
  );
}
const workbookQueries = queriesIn(workbook);

describe('the alerts', () => {
  it('are these, with these severities', () => {
    expect(severities(onLog)).toEqual({
      'no-status': 1,
      ill: 1,
      'sweep-overdue': 1,
      'dead-letters': 2,
      'functions-fail': 2,
      'held-back': 3,
      competing: 3,
      throttled: 3,
      'compliance-fell': 3,
    });
    expect(severities(onMetrics)).toEqual({
      'routing-fails': 1,
      'message-quota': 1,
      'storage-unavailable': 2,
      'twin-updates-fail': 3,
      'twin-reads-fail': 3,
      'twin-queries-fail': 3,
      'event-hub-throttles': 3,
    });
  });

  it('all reach the action group, and end by themselves', () => {
    const [group] = ofType('Microsoft.Insights/actionGroups');
    expect(group?.id).toMatch(/\/actionGroups\//);
    for (const alert of [...onLog, ...onMetrics]) {
      expect(propertiesOf(alert), alert.name).toMatchObject({ enabled: true, autoMitigate: true });
      expect(JSON.stringify(alert.properties?.actions), alert.name).toContain(group?.id);
    }
  });

  it('lead to a heading in docs/operating.md, and each heading about an alert belongs to one', async () => {
    const { repository } = JSON.parse(await read('package.json')) as { readonly repository: { readonly url: string } };
    const page = `${repository.url.replace(/^git\+|\.git$/g, '')}/blob/main/docs/operating.md#`;
    const linked = [...onLog, ...onMetrics].map((alert) => {
      const { description } = propertiesOf(alert);
      const [, address = ''] = / See (\S+)$/.exec(description) ?? [];
      expect(address.startsWith(page), description).toBe(true);
      return address.slice(page.length);
    });
    const { anchors } = readPage(await read('docs/operating.md'));
    expect(linked.toSorted()).toEqual([...anchors].filter((anchor) => anchor.startsWith('alert-')).toSorted());
  });

  it('notice the silence of the app after 20 minutes', () => {
    const silent = onLog.find(({ name }) => name.includes('no-status'));
    expect(silent?.properties).toMatchObject({
      windowSize: 'PT5M',
      criteria: {
        allOf: [
          {
            timeAggregation: 'Count',
            operator: 'LessThan',
            threshold: 1,
            failingPeriods: { numberOfEvaluationPeriods: 4, minFailingPeriodsToAlert: 4 },
          },
        ],
      },
    });
  });
});

describe('the queries', () => {
  const queries = [...alertQueries, ...workbookQueries];

  it('name only fields that the status has', () => {
    expect([alertQueries.length, workbookQueries.length > 5]).toEqual([9, true]);
    for (const query of queries) expect(unknownFields(query), query).toEqual([]);
  });

  it('find the status by its prefix, and read the JSON after it', () => {
    for (const query of queries.filter((each) => each.includes('status'))) {
      expect(query).toContain(
        `AppTraces | where Message startswith "${statusPrefix}" | extend status = parse_json(substring(Message, ${statusPrefix.length}))`,
      );
    }
  });

  it.each([
    ['a misspelt field', 'where toint(status.deadLeters) > 0', ['deadLeters']],
    ['a misspelt reason', 'where toint(status.heldBack.blastradius) > 0', ['heldBack,blastradius']],
    ['a misspelt field of a policy', 'mv-expand entry = status.compliance | project entry.procent', ['procent']],
  ])('would be refused with %s', (_, query, fields) => {
    expect(unknownFields(query)).toEqual(fields);
  });
});
