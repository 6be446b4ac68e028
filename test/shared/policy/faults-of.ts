import { expect } from 'vitest';
import { type PolicyDefinition, PolicyFaultsError, toPolicySet } from '../../../shared/policy/index.ts';

/** Validates policies, and lists each fault as `policy at path: message`. The list is empty when all policies are valid. */
export function faultsOf(...definitions: readonly unknown[]): readonly string[] {
  try {
    toPolicySet(definitions as PolicyDefinition[], { mode: 'enforce' });
    return [];
  } catch (error) {
    if (!(error instanceof PolicyFaultsError)) throw error;
    for (const { policy, path, message } of error.faults) {
      expect(error.message).toContain(`${policy}${path === '' ? '' : ` at ${path}`}: ${message}`);
    }
    return error.faults.map(({ policy, path, message }) => `${policy} at ${path}: ${message}`);
  }
}
