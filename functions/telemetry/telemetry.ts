import { once } from '../../shared/once.ts';
import { type Pace, paced } from '../../shared/paced.ts';
import type { MetricExport } from './exporter.ts';
import { MetricBuffer } from './metric-buffer.ts';
import { readTelemetrySettings } from './telemetry-settings.ts';

/** Counts in memory, and sends the counts to Application Insights. */
export interface Telemetry {
  readonly metrics: MetricBuffer;
  /**
   * Sends what was counted since the last time, when that is a minute ago. Otherwise plans it for later. Rejects when the service does not
   * accept the metrics.
   */
  flush(): Promise<void>;
}

export interface TelemetryOptions extends Pick<Pace, 'now' | 'later'> {
  /** Creates the exporter on the first flush. Default: the exporter for Application Insights. */
  readonly createExport?: () => Promise<MetricExport>;
}

/** Minimum time between two exports of one process, in milliseconds. */
const exportInterval = 60_000;

/**
 * Creates the telemetry of the app. `undefined` when the environment has no connection string of Application Insights. The libraries are
 * loaded on the first flush, so the start of the app does not wait for them.
 */
export function createTelemetry(
  environment: Readonly<Record<string, string | undefined>>,
  { createExport, ...pace }: TelemetryOptions,
): Telemetry | undefined {
  const settings = readTelemetrySettings(environment);
  if (settings === undefined) return undefined;
  const metrics = new MetricBuffer();
  const load = once(createExport ?? (async () => (await import('./exporter.ts')).createMetricExport(settings)));
  const send = paced(async () => (await load()).send(metrics.take()), { interval: exportInterval, ...pace });
  return {
    metrics,
    flush: async () => {
      if (!metrics.isEmpty) await send();
    },
  };
}
