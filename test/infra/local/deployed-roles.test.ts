import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDeployedRoles, rolesOnHub } from '../../../infra/local/deployed-roles.ts';
import { findRole } from '../../../infra/local/hub/roles.ts';

const root = resolve(import.meta.dirname, '../../..');

const subscription = '/subscriptions/00000000-0000-0000-0000-000000000001';
const hub = `${subscription}/resourceGroups/rg-hubs/providers/Microsoft.Devices/IotHubs/example-hub`;
const identity = `${subscription}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id`;
const type = 'Microsoft.Authorization/roleAssignments';

function assignment(role: string, changes: object = {}) {
  return {
    type,
    id: `[extensionResourceId('${hub}', '${type}', guid('${hub}', reference('${identity}', '2024-11-30').principalId, '${role}'))]`,
    properties: {
      principalId: `[reference('${identity}', '2024-11-30').principalId]`,
      roleDefinitionId: `${subscription}/providers/Microsoft.Authorization/roleDefinitions/${role}`,
    },
    ...changes,
  };
}

const snapshot = (...predictedResources: readonly object[]) => JSON.stringify({ predictedResources, diagnostics: [] });

describe('the roles that the deployment gives to the app on the hub', () => {
  it('are known to the local hub', async () => {
    const roles = await readDeployedRoles(root);
    expect(roles.map((role) => findRole(role).name)).toEqual(
      expect.arrayContaining(['IoT Hub Data Reader', 'Twinkeeper jobs (example-hub)']),
    );
    expect(new Set(roles).size).toBe(roles.length);
  });

  it('are those of the assignments whose scope is the hub', () => {
    const onStorage = assignment('storage-role', {
      id: `[extensionResourceId('${subscription}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/st', '${type}', guid('${hub}'))]`,
    });
    const resolved = assignment('role-b', { id: `${hub}/providers/${type}/00000000-0000-0000-0000-00000000000b` });
    expect(rolesOnHub(snapshot({ type: 'x', id: 'y' }, assignment('role-a'), onStorage, resolved), 'file')).toEqual([
      'role-a',
      'role-b',
    ]);
  });

  it('have the data actions of a custom role that the deployment defines', () => {
    const given = assignment('role-a');
    const definition = {
      type: 'Microsoft.Authorization/roleDefinitions',
      id: given.properties.roleDefinitionId,
      properties: { roleName: 'Jobs', permissions: [{ dataActions: ['a/write'] }, { dataActions: ['a/delete'] }] },
    };
    expect(rolesOnHub(snapshot(given, definition), 'file')).toEqual([
      { id: 'role-a', name: 'Jobs', dataActions: ['a/write', 'a/delete'] },
    ]);
  });

  it('do not include the roles of another principal', () => {
    const { properties } = assignment('role-b');
    const ofPerson = assignment('role-b', { properties: { ...properties, principalId: 'a person' } });
    expect(rolesOnHub(snapshot(assignment('role-a'), ofPerson), 'file')).toEqual(['role-a']);
  });

  it.each([
    ['is not JSON', 'no', 'file is not JSON'],
    ['has no resources', '{}', 'file is not the snapshot of a deployment'],
    ['gives no role', snapshot(), 'file gives the app no role on the IoT hub'],
    ['has an assignment without a role', snapshot(assignment('a', { properties: {} })), 'file has a role assignment'],
  ])('are refused when the snapshot %s, and the message says what to do', (_, text, message) => {
    expect(() => rolesOnHub(text, 'file')).toThrow(message);
    expect(() => rolesOnHub(text, 'file')).toThrow('npm run bicep');
  });

  it('are refused when there is no snapshot, and the message names the file', async () => {
    await expect(readDeployedRoles('/no/such/project')).rejects.toThrow(
      '/no/such/project/infra/azure/main.snapshot.json, which says what the app may do, cannot be read: ENOENT',
    );
  });
});
