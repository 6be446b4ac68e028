import type { SystemEndpoints } from '../../local/endpoints-file.ts';

/** The page, with the key that opens it: it is one of this run, on loopback, and opens what only reads. */
export function dashboardAddress({ functionsUrl, functionKey }: SystemEndpoints): string {
  return `${functionsUrl}/api/dashboard?code=${encodeURIComponent(functionKey)}`;
}

/** Where everything is, a line each, without secrets but the page's own key: the others are in the file that `--endpoints` writes. */
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
