import * as z from 'zod/mini';
import { az } from '../az-command.ts';
import type { Azure } from './azure.ts';
import { type Finding, fault } from './finding.ts';

/** A built-in role of Azure. */
export interface Role {
  readonly name: string;
  readonly id: string;
  /** The ids of roles that include all rights of this role. */
  readonly includedIn: readonly string[];
}

const hubDataContributor = '4fc6c259-987e-4a07-842e-c321cc9d413f';
const eventHubsDataOwner = 'f526a384-b230-433a-b45c-95f59c4a2dec';

/** The roles that a deployment of Twinkeeper needs. docs/operating.md says for what. */
export const roles = {
  registryContributor: {
    name: 'IoT Hub Registry Contributor',
    id: '4ea46cd5-c1b2-4a8e-910b-273211f9ce47',
    includedIn: [hubDataContributor],
  },
  twinContributor: {
    name: 'IoT Hub Twin Contributor',
    id: '494bdba2-168f-4f31-a0a1-191d2f7c028c',
    includedIn: [hubDataContributor],
  },
  hubDataReader: {
    name: 'IoT Hub Data Reader',
    id: 'b447c946-2db7-41ec-983d-d8bf3b1c77e3',
    includedIn: [hubDataContributor],
  },
  blobDataOwner: { name: 'Storage Blob Data Owner', id: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b', includedIn: [] },
  queueDataContributor: {
    name: 'Storage Queue Data Contributor',
    id: '974c5e8b-45b9-4653-ba55-5f855dd0fb88',
    includedIn: [],
  },
  tableDataContributor: {
    name: 'Storage Table Data Contributor',
    id: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3',
    includedIn: [],
  },
  eventReceiver: {
    name: 'Azure Event Hubs Data Receiver',
    id: 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde',
    includedIn: [eventHubsDataOwner],
  },
  eventSender: {
    name: 'Azure Event Hubs Data Sender',
    id: '2b629674-e913-4c01-ae53-ef4638d8f975',
    includedIn: [eventHubsDataOwner],
  },
  metricsPublisher: {
    name: 'Monitoring Metrics Publisher',
    id: '3913510d-42f4-4e42-8a64-420c390055eb',
    includedIn: [],
  },
} as const satisfies Readonly<Record<string, Role>>;

/** The custom role for jobs on a hub. Its id differs from hub to hub. */
export const jobsRoleName = (hub: string) => `Twinkeeper jobs (${hub})`;

const definitionsSchema = z.looseObject({ value: z.array(z.looseObject({ name: z.string() })) });

/**
 * Finds the custom role for jobs on a hub. `undefined` when nobody has defined it.
 *
 * @throws {AzureRefusal} when the role definitions cannot be read
 */
export async function findJobsRole(azure: Azure, hubId: string): Promise<Role | undefined> {
  const name = jobsRoleName(hubId.split('/').at(-1) ?? '');
  const { value } = await azure.read(
    `${hubId}/providers/Microsoft.Authorization/roleDefinitions`,
    '2022-04-01',
    definitionsSchema,
    { $filter: `roleName eq '${name}'` },
  );
  const [found] = value;
  return found && { name, id: found.name.toLowerCase(), includedIn: [hubDataContributor] };
}

const assignmentsSchema = z.looseObject({
  value: z.array(z.looseObject({ properties: z.looseObject({ roleDefinitionId: z.string(), scope: z.string() }) })),
});

/**
 * The roles of this list that a principal does not have on a resource, one fault each. A role on the resource group, the subscription or a
 * management group above the resource counts too.
 *
 * @param who the principal in a sentence, such as `The app`
 * @throws {AzureRefusal} when the assignments cannot be read
 */
export async function missingRoles(
  azure: Azure,
  scope: string,
  principal: { readonly who: string; readonly id: string },
  needed: readonly Role[],
): Promise<readonly Finding[]> {
  const { value } = await azure.read(
    `${scope}/providers/Microsoft.Authorization/roleAssignments`,
    '2022-04-01',
    assignmentsSchema,
    { $filter: `principalId eq '${principal.id}'` },
  );
  const assigned = value
    // The answer also has the assignments on parts of the resource.
    .filter(({ properties }) => reaches(properties.scope, scope))
    .map(({ properties }) => properties.roleDefinitionId.split('/').at(-1)?.toLowerCase() ?? '');
  return needed
    .filter(({ id, includedIn }) => ![id, ...includedIn].some((role) => assigned.includes(role)))
    .map(({ name, id }) =>
      fault(
        `${principal.who} does not have the role ${name} on ${scope.split('/').at(-1)}.`,
        az('role assignment create', {
          assigneeObjectId: principal.id,
          assigneePrincipalType: 'ServicePrincipal',
          role: id,
          scope,
        }),
      ),
    );
}

function reaches(assignedOn: string, scope: string): boolean {
  const [above, below] = [assignedOn, scope].map((path) => path.toLowerCase().replace(/\/$/, ''));
  return above === below || below?.startsWith(`${above}/`) === true || !above?.startsWith('/subscriptions/');
}
