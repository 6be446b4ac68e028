/** Reads which roles the deployment gives to the app on the IoT hub. The local hub gives the app the same roles. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { AssignedRole, CustomRole } from './entra/index.ts';

const assignmentType = 'Microsoft.Authorization/roleAssignments';
const definitionType = 'Microsoft.Authorization/roleDefinitions';

/** The file to which `bicep snapshot` writes the resources that the deployment creates. */
const snapshotFile = join('infra', 'azure', 'main.snapshot.json');

const snapshotSchema = z.object({
  predictedResources: z.array(z.looseObject({ type: z.string(), id: z.string(), properties: z.optional(z.unknown()) })),
});

type Resource = z.output<typeof snapshotSchema>['predictedResources'][number];

const assignmentSchema = z.object({ principalId: z.string(), roleDefinitionId: z.string() });

const definitionSchema = z.looseObject({
  roleName: z.string(),
  permissions: z.array(z.looseObject({ dataActions: z.array(z.string()) })),
});

/**
 * Returns the roles that the deployment assigns to the app on the IoT hub.
 * @param root the path of the project's folder
 * @throws An Error whose message is one line and names the file, when the file is missing, is not a snapshot, or assigns no such role.
 */
export async function readDeployedRoles(root: string): Promise<readonly AssignedRole[]> {
  const file = join(root, snapshotFile);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new Error(`${file}, which says what the app may do, cannot be read: ${(error as Error).message}`);
  }
  return rolesOnHub(text, file);
}

/** Finds the same roles in the text of a snapshot. `file` is the name of the snapshot for error messages. */
export function rolesOnHub(snapshot: string, file: string): readonly AssignedRole[] {
  const refused = (what: string) =>
    new Error(`${file} ${what}: make it again with \`npm run bicep\`, or restore it from git.`);
  let json: unknown;
  try {
    json = JSON.parse(snapshot);
  } catch {
    throw refused('is not JSON');
  }
  const resources = snapshotSchema.safeParse(json);
  if (!resources.success) throw refused('is not the snapshot of a deployment');
  const { predictedResources } = resources.data;
  const roles = predictedResources.flatMap(({ type, id, properties }) => {
    if (type !== assignmentType || !isOnHub(id)) return [];
    const assignment = assignmentSchema.safeParse(properties);
    if (!assignment.success) throw refused('has a role assignment without principalId and roleDefinitionId');
    const { principalId, roleDefinitionId } = assignment.data;
    // The app signs in with the user-assigned identity that the deployment creates. Its principal id is known only after the deployment.
    if (!principalId.includes('Microsoft.ManagedIdentity/userAssignedIdentities/')) return [];
    return [customRole(predictedResources, roleDefinitionId) ?? idIn(roleDefinitionId)];
  });
  if (roles.length === 0) throw refused('gives the app no role on the IoT hub');
  return roles;
}

/** The custom role that the same deployment defines under this id. `undefined` when it defines none. */
function customRole(resources: readonly Resource[], roleDefinitionId: string): CustomRole | undefined {
  const resource = resources.find(({ type, id }) => type === definitionType && id === roleDefinitionId);
  const definition = definitionSchema.safeParse(resource?.properties);
  if (!definition.success) return undefined;
  const { roleName, permissions } = definition.data;
  return {
    id: idIn(roleDefinitionId),
    name: roleName,
    dataActions: permissions.flatMap(({ dataActions }) => dataActions),
  };
}

/** The GUID at the end of the id of a role definition. */
function idIn(roleDefinitionId: string): string {
  return roleDefinitionId.split('/').at(-1) ?? '';
}

/**
 * Whether the id of a role assignment says that its scope is an IoT hub. The id is an expression, because the name of the assignment
 * depends on a principal id: `[extensionResourceId('SCOPE', …)]`.
 */
function isOnHub(id: string): boolean {
  const scope = /^\[extensionResourceId\('([^']+)'/.exec(id)?.[1] ?? id.split(`/providers/${assignmentType}/`)[0] ?? '';
  return /\/providers\/Microsoft\.Devices\/IotHubs\/[^/]+$/i.test(scope);
}
