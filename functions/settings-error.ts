/** One fault of the app settings. */
export interface SettingFault {
  /** A sentence that names the setting and says what its value must be. The sentence does not contain the value. */
  readonly message: string;
  /** The wrong value, for the log. `undefined` when there is no value, or when the value may be a secret. */
  readonly value?: string;
}

/**
 * Thrown when settings are missing or malformed. The message lists every wrong setting, what its value must be, and the value, unless it may
 * be a secret.
 */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly faults: readonly SettingFault[];

  constructor(faults: readonly SettingFault[]) {
    const lines = faults.map(
      ({ message, value }) => `  ${message}${value === undefined ? '' : ` The value is ${JSON.stringify(value)}.`}`,
    );
    super(`The app settings cannot be used:\n${lines.join('\n')}`);
    this.faults = faults;
  }
}
