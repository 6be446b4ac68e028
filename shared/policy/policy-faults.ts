/** One fault of a policy. */
export interface PolicyFault {
  readonly policy: string;
  /** Dotted path in the policy, such as `desired.Process_Mode`. `''` is the policy as a whole. */
  readonly path: string;
  readonly message: string;
}

/** Thrown when any policy is invalid. The app then does not start. The message lists every fault on a line of its own. */
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
