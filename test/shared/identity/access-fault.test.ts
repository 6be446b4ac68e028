import { describe, expect, it } from 'vitest';
import { accessFault, explainStorageError, type Identity, StorageAccessError } from '../../../shared/identity/index.ts';

const clientId = '11111111-2222-3333-4444-555555555555';
const managed: Identity = { type: 'managed', clientId };
const attempted = {
  identity: managed,
  action: 'read twins',
  service: 'the IoT hub plant',
  role: 'IoT Hub Twin Contributor',
  rights: 'service',
};
/** An error of an SDK with an answer of this status and code. */
const answer = (statusCode: number, code: string) =>
  Object.assign(new Error(`<Error><Code>${code}</Code>${'x'.repeat(5000)}</Error>`), { name: 'RestError', statusCode });
const named = (name: string, cause?: Error) => Object.assign(new Error('a wall of text', { cause }), { name });

describe('a refused access', () => {
  it.each([
    [named('CredentialUnavailableError'), undefined, '', 'noToken'],
    [named('Wrapped', named('AggregateAuthenticationError')), undefined, '', 'noToken'],
    [answer(401, ''), 401, 'IotHubUnauthorizedAccess', 'unauthenticated'],
    [answer(401, ''), 401, 'IotHubUnauthorized', 'forbidden'],
    [answer(403, ''), 403, 'AuthorizationPermissionMismatch', 'forbidden'],
    [answer(403, ''), 403, 'AuthorizationFailure', 'network'],
    [answer(403, ''), 403, 'KeyBasedAuthenticationNotPermitted', 'keysDisabled'],
  ])('is told apart by error, status and code (%#)', (error, status, code, expected) => {
    const fault = accessFault(error, status, code, attempted);
    expect(fault?.code).toBe(expected);
    expect(fault?.message).toContain(clientId);
    expect(fault?.message).not.toContain('wall');
  });

  it.each([
    [answer(404, 'DeviceNotFound'), 404],
    [answer(500, ''), 500],
    [named('Error'), undefined],
    [undefined, undefined],
  ])('is not seen in another failure (%#)', (error, status) => {
    expect(accessFault(error, status, '', attempted)).toBeUndefined();
  });

  it('names the rights of a policy for a key, and the role for an identity', () => {
    const forbidden = accessFault(answer(401, ''), 401, 'IotHubUnauthorizedAccess', { ...attempted, identity: 'key' });
    expect(forbidden?.message).toContain('Its shared access policy needs service');
    expect(accessFault(answer(403, ''), 403, '', attempted)?.message).toBe(
      `The managed identity ${clientId} tried to read twins on the IoT hub plant and was refused (403). The role IoT Hub Twin Contributor is missing there. A new role takes some minutes`,
    );
  });
});

describe('an error of a storage account', () => {
  it('that refuses the caller becomes one sentence with the missing role', () => {
    const error = explainStorageError(
      answer(403, 'AuthorizationPermissionMismatch'),
      managed,
      'queue',
      'plant.queue.core.windows.net',
    );
    expect(error).toBeInstanceOf(StorageAccessError);
    expect(String(error)).toBe(
      `StorageAccessError: The managed identity ${clientId} tried to use queues on the storage account (plant.queue.core.windows.net) and was refused (403, AuthorizationPermissionMismatch). The role Storage Queue Data Contributor is missing there. A new role takes some minutes`,
    );
  });

  it.each([answer(404, 'TableNotFound'), answer(503, 'ServerBusy'), new Error('ECONNREFUSED')])(
    'stays as it is for another reason (%#)',
    (error) => {
      expect(explainStorageError(error, managed, 'table', 'x')).toBe(error);
    },
  );
});
