/** One thing that is wrong with a policy. */
export interface PolicyFault {
  readonly policy: string;
  /** Dotted path in the policy, such as `desired.Process_Mode`; `''` for the policy as a whole. */
  readonly path: string;
  readonly message: string;
}

/** Thrown when policies cannot be used: the app does not start. Its message lists every fault, one to a line. */
export class PolicyFaultsError extends Error {
  override readonly name = 'PolicyFaultsError';
  readonly faults: readonly PolicyFault[];

  constructor(faults: readonly PolicyFault[]) {
    const lines = faults.map(
      ({ policy, path, message }) => `  ${policy}${path === '' ? '' : ` at ${path}`}: ${message}`,
    );
    super(`${faults.length === 1 ? 'One fault' : `${faults.length} faults`} in the policies:\n${lines.join('\n')}`);
    this.faults = faults;
  }
}
