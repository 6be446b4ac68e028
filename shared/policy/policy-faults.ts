/** One fault of a policy, found when the app validates its policies. */
export interface PolicyFault {
  readonly policy: string;
  /** Dotted path of the fault in the policy, such as `desired.Process_Mode`. `''` means the policy as a whole. */
  readonly path: string;
  readonly message: string;
}

/** Thrown when at least one policy is invalid. The app then does not start. The message lists each fault on a separate line. */
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
