/**
 * Metrics for Application Insights. The app counts in memory. At the end of an invocation, at most once a minute, it sends the counts with
 * the small exporter of OpenTelemetry. Without the setting `APPLICATIONINSIGHTS_CONNECTION_STRING` there are no metrics. The status line
 * needs none of this.
 *
 * @module
 */
export { createTelemetry, type Telemetry } from './telemetry.ts';
