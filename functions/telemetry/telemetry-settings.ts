/** Where metrics are sent, and how the app signs in. */
export interface TelemetrySettings {
  /** A connection string of Application Insights. It holds no key that could be used to read. */
  readonly connectionString: string;
  /** The client id of the managed identity. `''` for the identity of the system. Absent when the service asks for no identity. */
  readonly clientId?: string;
}

/**
 * Reads the platform's settings `APPLICATIONINSIGHTS_CONNECTION_STRING` and `APPLICATIONINSIGHTS_AUTHENTICATION_STRING`, such as
 * `Authorization=AAD;ClientId=…`. `undefined` without a usable connection string: the app then sends no metrics. Pure.
 */
export function readTelemetrySettings(
  environment: Readonly<Record<string, string | undefined>>,
): TelemetrySettings | undefined {
  const connectionString = environment.APPLICATIONINSIGHTS_CONNECTION_STRING ?? '';
  if (!/(^|;)\s*InstrumentationKey=[0-9a-f-]{36}\s*(;|$)/i.test(connectionString)) return undefined;
  const parts = new Map(
    (environment.APPLICATIONINSIGHTS_AUTHENTICATION_STRING ?? '').split(';').map((part) => {
      const [name = '', value = ''] = part.split('=', 2);
      return [name.trim().toLowerCase(), value.trim()] as const;
    }),
  );
  if (parts.get('authorization')?.toUpperCase() !== 'AAD') return { connectionString };
  return { connectionString, clientId: parts.get('clientid') ?? '' };
}
