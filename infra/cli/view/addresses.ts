import type { SystemEndpoints } from '../../local/endpoints-file.ts';

/** The address of the dashboard with its key. The key is valid for this run, on loopback, and only allows reading. */
export function dashboardAddress({ functionsUrl, functionKey }: SystemEndpoints): string {
  return `${functionsUrl}/api/dashboard?code=${encodeURIComponent(functionKey)}`;
}

/** The addresses of the local system, one line each. The dashboard's key is the only secret; `--endpoints` writes the others to a file. */
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
