import type { SystemEndpoints } from '../../local/endpoints-file.ts';

/**
 * The address of the dashboard, with its function key. The key only allows reading, on loopback, and is valid for this run of the local
 * system.
 */
export function dashboardAddress({ functionsUrl, functionKey }: SystemEndpoints): string {
  return `${functionsUrl}/api/dashboard?code=${encodeURIComponent(functionKey)}`;
}

/**
 * The addresses of the local system, one line for each. The dashboard's key is the only secret in these lines. `--endpoints` writes the
 * other secrets to a file.
 */
export function addressLines(endpoints: SystemEndpoints): readonly string[] {
  const part = (connectionString: string, name: string) =>
    new RegExp(`(?:^|;)${name}=([^;]+)`).exec(connectionString)?.[1] ?? '';
  return [
    `dashboard  ${dashboardAddress(endpoints)}`,
    `hub        https://${part(endpoints.iotHubConnectionString, 'HostName')}  (trust ${endpoints.caFile})`,
    `events     ${part(endpoints.eventHubConnectionString, 'Endpoint')}  event hub ${endpoints.eventHubName}`,
    `functions  ${endpoints.functionsUrl}/api/health`,
    `history    ${part(endpoints.storageConnectionString, 'TableEndpoint')}  table TwinkeeperDrift`,
    `control    ${endpoints.controlUrl}`,
  ];
}
