// Deploys Twinkeeper for one IoT hub. The hub exists already: this template reads it and assigns roles on it, and never writes it.
// `twinkeeper connect` adds the hub's endpoint and routes afterwards.
targetScope = 'subscription'

@description('The name of this deployment. It becomes part of the names of the resource group and of all resources.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('The region of the resources. The region of the IoT hub has the shortest way.')
@metadata({ azd: { type: 'location' } })
param location string

@description('The name of the IoT hub whose twins Twinkeeper keeps at their baseline.')
@minLength(3)
@maxLength(50)
param hubName string

@description('The resource group of the IoT hub.')
@minLength(1)
@maxLength(90)
param hubResourceGroup string

@description('audit: record every departure and change nothing. enforce: also repair.')
@allowed(['audit', 'enforce'])
param mode string = 'audit'

@description('Lets the app start import and export jobs on the hub, with a custom role. Without them, it creates missing modules with bulk calls, and walks with queries.')
param hubJobs bool = true

@description('Puts storage and the event hub behind private endpoints in a virtual network of their own.')
param privateNetwork bool = false

@description('Locks the storage account against deletion, stores it in three zones, and makes a container whose blobs nobody can change.')
param protectHistory bool = false

@description('Spreads the instances of the function app over availability zones. Two instances are then always ready.')
param zoneRedundant bool = false

@description('The number of instances that are always ready: of the HTTP functions, and of the function for events.')
@minValue(0)
@maxValue(20)
param alwaysReady int = 0

@description('The mail address that gets the alerts. Empty: no mail.')
param alertEmail string = ''

@description('The https address that gets the alerts. Empty: no webhook. Such addresses often hold a secret.')
@secure()
param alertWebhook string = ''

@description('The client id of the app registration with which operators sign in by name. Empty: only keys open the API.')
param operatorsClientId string = ''

var suffix = uniqueString(subscription().id, environmentName, location)
var tags = { 'azd-env-name': environmentName }

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

resource hub 'Microsoft.Devices/IotHubs@2023-06-30' existing = {
  name: hubName
  scope: resourceGroup(hubResourceGroup)
}

module identity 'modules/identity.bicep' = {
  scope: group
  params: {
    name: 'id-${suffix}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    workspaceName: 'log-${suffix}'
    componentName: 'appi-${suffix}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
  }
}

module storage 'modules/storage.bicep' = {
  scope: group
  params: {
    name: 'st${suffix}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    isPrivate: privateNetwork
    protectHistory: protectHistory
    zoneRedundant: zoneRedundant || protectHistory
  }
}

module events 'modules/event-hub.bicep' = {
  scope: group
  params: {
    namespaceName: 'evhns-${suffix}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    hubPrincipalId: hub.?identity.?principalId ?? ''
    isPrivate: privateNetwork
  }
}

module hubRoles 'modules/hub-roles.bicep' = {
  scope: resourceGroup(hubResourceGroup)
  params: {
    hubName: hubName
    principalId: identity.outputs.principalId
    jobs: hubJobs
  }
}

module network 'modules/network.bicep' = if (privateNetwork) {
  scope: group
  params: {
    name: 'vnet-${suffix}'
    location: location
    tags: tags
    storageId: storage.outputs.id
    namespaceId: events.outputs.namespaceId
    hubId: hub.id
    hubIsPrivate: (hub.properties.?publicNetworkAccess ?? 'Enabled') == 'Disabled'
  }
}

module app 'modules/function-app.bicep' = {
  scope: group
  params: {
    name: 'func-${suffix}'
    planName: 'plan-${suffix}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    blobEndpoint: storage.outputs.blobEndpoint
    queueEndpoint: storage.outputs.queueEndpoint
    tableEndpoint: storage.outputs.tableEndpoint
    packageContainer: storage.outputs.packageContainer
    eventHubHost: events.outputs.host
    eventHubName: events.outputs.eventHubName
    consumerGroup: events.outputs.consumerGroup
    insightsConnectionString: monitoring.outputs.connectionString
    hubHostName: hub.properties.hostName
    hubTier: hub.sku.name
    hubUnits: hub.sku.capacity
    mode: mode
    hubJobs: hubJobs
    zoneRedundant: zoneRedundant
    alwaysReady: zoneRedundant ? max(alwaysReady, 2) : alwaysReady
    subnetId: privateNetwork ? network!.outputs.appSubnetId : ''
    operatorsClientId: operatorsClientId
  }
  // The app starts when it is made, and needs its rights on the hub then.
  dependsOn: [hubRoles]
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  params: {
    suffix: suffix
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    namespaceId: events.outputs.namespaceId
    storageId: storage.outputs.id
    hubId: hub.id
    hubLocation: hub.location
    hubTier: hub.sku.name
    hubUnits: hub.sku.capacity
    email: alertEmail
    webhook: alertWebhook
  }
}

module workbook 'modules/workbook.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

// The names of outputs in capitals become the environment variables of azd's hooks and of the `twinkeeper` command.
output AZURE_RESOURCE_GROUP string = group.name
output FUNCTION_APP_NAME string = app.outputs.name
output FUNCTION_APP_URL string = app.outputs.url
output IOTHUB_NAME string = hubName
output IOTHUB_RESOURCE_GROUP string = hubResourceGroup
output IOTHUB_HOSTNAME string = hub.properties.hostName
output EVENTHUB_NAMESPACE string = events.outputs.namespaceName
output EVENTHUB_FULLY_QUALIFIED_NAMESPACE string = events.outputs.host
output EVENTHUB_NAME string = events.outputs.eventHubName
output EVENTHUB_CONSUMER_GROUP string = events.outputs.consumerGroup
output STORAGE_ACCOUNT_NAME string = storage.outputs.name
output IDENTITY_CLIENT_ID string = identity.outputs.clientId
output IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output HISTORY_IS_PROTECTED bool = protectHistory
