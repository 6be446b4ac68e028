// The alerts. Those on the log read the line `twinkeeper.status {…}`, which the app writes every five minutes; docs/operating.md describes its
// fields. Each alert says what to do, on the page that its description names.
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
param webhook string

@description('Where the alerts are explained.')
param help string = 'docs/operating.md'

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
    description: 'No status line for 20 minutes: the app does not run, or cannot read its storage. See ${help}#alert-twinkeeper-is-silent'
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
    description: 'The app cannot do its work, for example because the hub does not answer. See ${help}#alert-twinkeeper-is-ill'
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
    description: 'No sweep has ended for two hours, so nothing finds what events miss. See ${help}#alert-no-sweep-for-two-hours'
    query: '${readStatus} | where toreal(status.sweepAgeMinutes) > 120'
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
    description: 'There are dead letters: events that the app tries no more. See ${help}#alert-events-were-given-up'
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
    description: 'Five invocations or more failed within 15 minutes. See ${help}#alert-functions-fail'
    query: 'AppRequests | where Success == false and toint(ResultCode) !between (400 .. 499)'
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
    description: 'For an hour, repairs were held back because a policy reached its blast radius. See ${help}#alert-the-blast-radius-holds-repairs-back'
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
    description: 'An automatic configuration or an IoT Edge deployment sets what a policy forbids. See ${help}#alert-a-configuration-competes-with-a-policy'
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
    description: 'The hub refused calls with 429 throughout an hour. See ${help}#alert-the-hub-throttles'
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
    description: 'The share of compliant devices of a policy fell by five points or more within six hours. See ${help}#alert-compliance-fell'
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
    description: 'The hub could not deliver events to the endpoint twinkeeper. See ${help}#alert-events-do-not-reach-the-event-hub'
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
    description: 'The hub has used 80 % of its daily messages. When none is left, telemetry stops too. See ${help}#alert-the-message-quota-of-the-hub-runs-out'
    metric: 'dailyMessageQuotaUsed'
    aggregation: 'Maximum'
    threshold: (messagesOfUnit[?hubTier] ?? 400000) * hubUnits / 5 * 4
    dimensions: []
  }
  {
    name: 'twin-updates-fail'
    title: 'Twin updates fail'
    severity: 3
    description: 'The hub refused changes of twins by services. See ${help}#alert-twin-updates-fail'
    metric: 'c2d.twin.update.failure'
    aggregation: 'Total'
    threshold: 20
    dimensions: []
  }
]

var platformAlerts = [
  {
    name: 'event-hub-throttles'
    title: 'The event hub throttles'
    severity: 3
    description: 'The event hub refused requests: its throughput units are used up. See ${help}#alert-the-event-hub-throttles'
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
    description: 'The storage account answered less than 95 % of the requests. See ${help}#alert-the-storage-account-is-not-available'
    target: storageId
    namespace: 'Microsoft.Storage/storageAccounts'
    metric: 'Availability'
    aggregation: 'Average'
    operator: 'LessThan'
    threshold: 95
  }
]

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email) || !empty(webhook)) {
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

var actionGroups = empty(email) && empty(webhook) ? [] : [actionGroup.id]

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
      actions: { actionGroups: actionGroups }
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
      actions: [for id in actionGroups: { actionGroupId: id }]
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
      actions: [for id in actionGroups: { actionGroupId: id }]
    }
  }
]
