// The event hub to which the IoT hub routes its events, and the right of the IoT hub to send there.
param namespaceName string
param location string
param tags object
param principalId string

@description('The principal id of the IoT hub\'s system-assigned identity. Empty when the hub has none: it then cannot send.')
param hubPrincipalId string

param isPrivate bool

@description('At most this many instances handle events at the same time. The number cannot be raised later.')
@minValue(4)
@maxValue(32)
param partitions int = 8

var dataReceiver = 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde'
var dataSender = '2b629674-e913-4c01-ae53-ef4638d8f975'

resource namespace 'Microsoft.EventHub/namespaces@2024-01-01' = {
  name: namespaceName
  location: location
  tags: tags
  sku: { name: 'Standard', tier: 'Standard', capacity: 1 }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    isAutoInflateEnabled: true
    maximumThroughputUnits: 4
    publicNetworkAccess: 'Enabled'
  }
}

// With the public access disabled, these rules would not apply, and the IoT hub could not send. So the firewall refuses instead, except for
// trusted services with their system-assigned identity.
resource rules 'Microsoft.EventHub/namespaces/networkRuleSets@2024-01-01' = {
  parent: namespace
  name: 'default'
  properties: {
    publicNetworkAccess: 'Enabled'
    defaultAction: isPrivate ? 'Deny' : 'Allow'
    trustedServiceAccessEnabled: true
  }
}

resource eventHub 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' = {
  parent: namespace
  name: 'twin-events'
  properties: {
    partitionCount: partitions
    retentionDescription: { cleanupPolicy: 'Delete', retentionTimeInHours: 168 }
  }

  resource consumers 'consumergroups' = {
    name: 'twinkeeper'
  }
}

resource receiver 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(eventHub.id, principalId, dataReceiver)
  scope: eventHub
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataReceiver)
  }
}

resource sender 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(hubPrincipalId)) {
  name: guid(eventHub.id, hubPrincipalId, dataSender)
  scope: eventHub
  properties: {
    principalId: hubPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataSender)
  }
}

output namespaceId string = namespace.id
output namespaceName string = namespace.name
output host string = split(split(namespace.properties.serviceBusEndpoint, '/')[2], ':')[0]
output eventHubName string = eventHub.name
output consumerGroup string = eventHub::consumers.name
