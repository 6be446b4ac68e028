// The alerts. Those on the log read the line `twinkeeper.status {…}`, which the app writes every five minutes; shared/status/status.ts has its
// fields. Each description says what happened and what to do, and links to the page with more.
param suffix string
param location string
param tags object
param workspaceId string
param namespaceId string
param storageId string
param hubId string
param hubLocation string
param hubTier string
param hubUnits int
param email string

@secure()
param webhook string

@description('The page that explains the alerts. The address is that of the repository in package.json.')
param help string = 'https://github.com/your-organization/twinkeeper/blob/main/docs/operating.md'

var readStatus = 'AppTraces | where Message startswith "twinkeeper.status " | extend status = parse_json(substring(Message, 18))'

// A state that lasts an hour is in eleven lines at least: one of the twelve can be late.
var linesOfAnHour = 11

// The messages a day and unit that each tier allows. GEN2 has the limits of S1.
var messagesOfUnit = { F1: 8000, S1: 400000, S2: 6000000, S3: 300000000, GEN2: 400000 }

var logAlerts = [
  {
    name: 'no-status'
    title: 'Twinkeeper is silent'
    severity: 1
    description: 'No status line for 20 minutes: the app does not run, or cannot reach its storage. Open the log of the function app and run `twinkeeper doctor`. See ${help}#alert-twinkeeper-is-silent'
    query: readStatus
    window: 'PT5M'
    every: 'PT5M'
    operator: 'LessThan'
    threshold: 1
    // Four windows of five minutes: Azure Monitor knows no window of twenty.
    periods: 4
  }
  {
    name: 'ill'
    title: 'Twinkeeper is ill'
    severity: 1
    description: 'The app runs and cannot do its work, for example because the hub does not answer. Run `twinkeeper status`, which names the problem. See ${help}#alert-twinkeeper-is-ill'
    query: '${readStatus} | where tobool(status.healthy) == false'
    window: 'PT15M'
    every: 'PT5M'
    operator: 'GreaterThan'
    threshold: 1
    periods: 1
  }
  {
    name: 'sweep-overdue'
    title: 'No sweep for two hours'
    severity: 1
    description: 'No sweep has ended for two hours or more, and none makes progress, so nothing finds what events miss. Look for failures of the function sweep, then run `twinkeeper sweep`. See ${help}#alert-no-sweep-for-two-hours'
    // The app knows the schedule, and that a sweep with much work makes progress. So it decides, and not the age alone.
    query: '${readStatus} | where set_has_element(status.problems, "sweepOverdue")'
    window: 'PT15M'
    every: 'PT5M'
    operator: 'GreaterThan'
    threshold: 1
    periods: 1
  }
  {
    name: 'dead-letters'
    title: 'Events were given up'
    severity: 2
    description: 'Some events are dead letters: the app tries them no more. Run `twinkeeper dead-letters list`, remove the cause, and replay them. See ${help}#alert-events-were-given-up'
    query: '${readStatus} | where toint(status.deadLetters) > 0'
    window: 'PT15M'
    every: 'PT5M'
    operator: 'GreaterThan'
    threshold: 0
    periods: 1
  }
  {
    name: 'functions-fail'
    title: 'Functions fail'
    severity: 2
    description: 'Five invocations or more failed within 15 minutes. Look at the failures of the function app in Application Insights. See ${help}#alert-functions-fail'
    query: 'AppRequests | where Success == false and coalesce(toint(ResultCode), 0) !between (400 .. 499)'
    window: 'PT15M'
    every: 'PT5M'
    operator: 'GreaterThanOrEqual'
    threshold: 5
    periods: 1
  }
  {
    name: 'held-back'
    title: 'The blast radius holds repairs back'
    severity: 3
    description: 'For an hour, repairs were held back because a policy reached its blast radius. If the policy is right, run `twinkeeper release` with its name. See ${help}#alert-the-blast-radius-holds-repairs-back'
    query: '${readStatus} | where toint(status.heldBack.blastRadius) > 0'
    window: 'PT1H'
    every: 'PT15M'
    operator: 'GreaterThanOrEqual'
    threshold: linesOfAnHour
    periods: 1
  }
  {
    name: 'competing'
    title: 'A configuration competes with a policy'
    severity: 3
    description: 'An automatic configuration or an IoT Edge deployment sets what a policy forbids. Change the configuration or the policy. See ${help}#alert-a-configuration-competes-with-a-policy'
    query: '${readStatus} | where toint(status.competingConfigurations) > 0'
    window: 'PT1H'
    every: 'PT15M'
    operator: 'GreaterThan'
    threshold: 0
    periods: 1
  }
  {
    name: 'throttled'
    title: 'The hub throttles'
    severity: 3
    description: 'The hub refused calls with 429 throughout an hour. Lower TWINKEEPER_BUDGET_SHARE, or give the hub more units. See ${help}#alert-the-hub-throttles'
    query: '${readStatus} | where toint(status.throttledTotal) > 0'
    window: 'PT1H'
    every: 'PT15M'
    operator: 'GreaterThanOrEqual'
    threshold: linesOfAnHour
    periods: 1
  }
  {
    name: 'compliance-fell'
    title: 'Compliance fell'
    severity: 3
    description: 'The share of compliant devices of a policy fell by five points or more within six hours. Look at the newest drift of the policy: somebody may have changed the fleet. See ${help}#alert-compliance-fell'
    query: '${readStatus} | mv-expand entry = status.compliance | extend policy = tostring(entry.policy), percent = toreal(entry.percent) | where isnotnull(percent) | summarize highest = max(percent), arg_max(TimeGenerated, percent) by policy | where highest - percent >= 5'
    window: 'PT6H'
    every: 'PT15M'
    operator: 'GreaterThan'
    threshold: 0
    periods: 1
  }
]

var hubAlerts = [
  {
    name: 'routing-fails'
    title: 'Events do not reach the event hub'
    severity: 1
    description: 'The hub could not deliver events to the endpoint twinkeeper. Check that the identity of the hub has the role Azure Event Hubs Data Sender, and run `twinkeeper connect`. See ${help}#alert-events-do-not-reach-the-event-hub'
    metric: 'RoutingDeliveries'
    aggregation: 'Total'
    threshold: 0
    dimensions: [
      { name: 'Result', operator: 'Include', values: ['failure'] }
      { name: 'EndpointName', operator: 'Include', values: ['twinkeeper'] }
    ]
  }
  {
    name: 'message-quota'
    title: 'The message quota of the hub runs out'
    severity: 1
    description: 'The hub has used 80 % of its daily messages. When none is left, telemetry stops too. Find out who uses the messages, or give the hub more units. See ${help}#alert-the-message-quota-of-the-hub-runs-out'
    metric: 'dailyMessageQuotaUsed'
    aggregation: 'Maximum'
    threshold: (messagesOfUnit[?hubTier] ?? 400000) * hubUnits / 5 * 4
    dimensions: []
  }
  {
    name: 'twin-updates-fail'
    title: 'Twin updates fail'
    severity: 3
    description: 'Changes of twins by services fail. Look at the newest drift rows with the outcome failed. See ${help}#alert-twin-updates-fail'
    metric: 'c2d.twin.update.failure'
    aggregation: 'Total'
    threshold: 20
    dimensions: []
  }
  {
    name: 'twin-reads-fail'
    title: 'Twin reads fail'
    severity: 3
    description: 'Reads of twins by services fail. Run `twinkeeper doctor`, which tries the rights of the app. See ${help}#alert-twin-reads-fail'
    metric: 'c2d.twin.read.failure'
    aggregation: 'Total'
    threshold: 20
    dimensions: []
  }
  {
    name: 'twin-queries-fail'
    title: 'Twin queries fail'
    severity: 3
    description: 'Queries for twins fail, so sweeps find nothing. Look at the newest sweep with `twinkeeper status`. See ${help}#alert-twin-queries-fail'
    metric: 'twinQueries.failure'
    aggregation: 'Total'
    threshold: 5
    dimensions: []
  }
]

var platformAlerts = [
  {
    name: 'event-hub-throttles'
    title: 'The event hub throttles'
    severity: 3
    description: 'The event hub refused requests: its throughput units are used up. Raise the most throughput units of the namespace. See ${help}#alert-the-event-hub-throttles'
    target: namespaceId
    namespace: 'Microsoft.EventHub/namespaces'
    metric: 'ThrottledRequests'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'storage-unavailable'
    title: 'The storage account is not available'
    severity: 2
    description: 'The storage account answered less than 95 % of the requests. Look at the health of the service in the region. Nothing is lost: events wait in the event hub. See ${help}#alert-the-storage-account-is-not-available'
    target: storageId
    namespace: 'Microsoft.Storage/storageAccounts'
    metric: 'Availability'
    aggregation: 'Average'
    operator: 'LessThan'
    threshold: 95
  }
]

// The group exists without receivers too, so that an operator can add some in the portal.
resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${suffix}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'Twinkeeper'
    enabled: true
    emailReceivers: empty(email) ? [] : [{ name: 'mail', emailAddress: email, useCommonAlertSchema: true }]
    webhookReceivers: empty(webhook) ? [] : [{ name: 'webhook', serviceUri: webhook, useCommonAlertSchema: true }]
  }
}

resource onLog 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in logAlerts: {
    name: 'twinkeeper-${alert.name}-${suffix}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: alert.title
      description: alert.description
      severity: alert.severity
      enabled: true
      scopes: [workspaceId]
      // The tables do not exist until the app has written to them.
      skipQueryValidation: true
      evaluationFrequency: alert.every
      windowSize: alert.window
      criteria: {
        allOf: [
          {
            query: alert.query
            timeAggregation: 'Count'
            operator: alert.operator
            threshold: alert.threshold
            failingPeriods: {
              numberOfEvaluationPeriods: alert.periods
              minFailingPeriodsToAlert: alert.periods
            }
          }
        ]
      }
      autoMitigate: true
      actions: { actionGroups: [actionGroup.id] }
    }
  }
]

resource onHub 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for alert in hubAlerts: {
    name: 'twinkeeper-${alert.name}-${suffix}'
    location: 'global'
    tags: tags
    properties: {
      description: '${alert.title}. ${alert.description}'
      severity: alert.severity
      enabled: true
      scopes: [hubId]
      targetResourceType: 'Microsoft.Devices/IotHubs'
      targetResourceRegion: hubLocation
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: alert.name
            metricNamespace: 'Microsoft.Devices/IotHubs'
            metricName: alert.metric
            timeAggregation: alert.aggregation
            operator: 'GreaterThan'
            threshold: alert.threshold
            dimensions: alert.dimensions
          }
        ]
      }
      autoMitigate: true
      actions: [{ actionGroupId: actionGroup.id }]
    }
  }
]

resource onPlatform 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for alert in platformAlerts: {
    name: 'twinkeeper-${alert.name}-${suffix}'
    location: 'global'
    tags: tags
    properties: {
      description: '${alert.title}. ${alert.description}'
      severity: alert.severity
      enabled: true
      scopes: [alert.target]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: alert.name
            metricNamespace: alert.namespace
            metricName: alert.metric
            timeAggregation: alert.aggregation
            operator: alert.operator
            threshold: alert.threshold
          }
        ]
      }
      autoMitigate: true
      actions: [{ actionGroupId: actionGroup.id }]
    }
  }
]
