// The function app, on a plan of its own. Its settings hold names and addresses, and no secret.
param name string
param planName string
param location string
param tags object
param identityId string
param identityClientId string
param blobEndpoint string
param queueEndpoint string
param tableEndpoint string
param packageContainer string
param eventHubHost string
param eventHubName string
param consumerGroup string
param insightsConnectionString string
param hubHostName string
param hubTier string
param hubUnits int
param mode string
param hubJobs bool
param zoneRedundant bool
param alwaysReady int

@description('The subnet through which the app reaches storage and the event hub. Empty: the public addresses.')
param subnetId string

param operatorsClientId string

@description('The share of the throttles of the hub that Twinkeeper may use, such as 0.5. Its instances divide it.')
param budgetShare string = '0.5'

@description('The share of the hub\'s daily message quota that Twinkeeper may use, such as 0.1. Twin reads, updates and query results take messages, and the telemetry of the fleet needs the rest.')
param messageShare string = '0.1'

@description('The most instances of each function or group of functions.')
param maximumInstances int = 40

var signsIn = !empty(operatorsClientId)

var settings = {
  AzureWebJobsStorage__blobServiceUri: blobEndpoint
  AzureWebJobsStorage__queueServiceUri: queueEndpoint
  AzureWebJobsStorage__tableServiceUri: tableEndpoint
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  EventHubConnection__fullyQualifiedNamespace: eventHubHost
  EventHubConnection__credential: 'managedidentity'
  EventHubConnection__clientId: identityClientId
  EVENTHUB_NAME: eventHubName
  EVENTHUB_CONSUMER_GROUP: consumerGroup
  IOTHUB_HOSTNAME: hubHostName
  IOTHUB__credential: 'managedidentity'
  IOTHUB__clientId: identityClientId
  AZURE_CLIENT_ID: identityClientId
  AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential'
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  TWINKEEPER_HUB_TIER: hubTier
  TWINKEEPER_HUB_UNITS: string(hubUnits)
  TWINKEEPER_BUDGET_SHARE: budgetShare
  TWINKEEPER_MESSAGE_SHARE: messageShare
  TWINKEEPER_MODE: mode
  TWINKEEPER_BACKFILL: hubJobs ? 'import' : 'bulk'
  TWINKEEPER_WALK: hubJobs ? 'export' : 'query'
}

// Operators sign in with Entra. The app registration trusts the identity of this app in place of a client secret.
var operatorSettings = {
  TWINKEEPER_OPERATORS: 'entra'
  OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: identityClientId
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  // azd deploys the service `twinkeeper` of azure.yaml to the app with this tag.
  tags: union(tags, { 'azd-service-name': 'twinkeeper' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    outboundVnetRouting: empty(subnetId) ? null : { allTraffic: true }
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ftpsState: 'Disabled'
      appSettings: [
        for setting in items(union(settings, signsIn ? operatorSettings : {})): {
          name: setting.key
          value: setting.value
        }
      ]
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobEndpoint}${packageContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: { name: 'node', version: '24' }
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
        maximumInstanceCount: maximumInstances
        alwaysReady: alwaysReady == 0
          ? []
          : [
              { name: 'http', instanceCount: alwaysReady }
              { name: 'function:twin-events', instanceCount: alwaysReady }
            ]
      }
    }
  }

  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }

  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }

  // Requests without a sign-in pass: scripts have keys, and the app itself demands a role for the addresses of operators.
  resource authentication 'config' = if (signsIn) {
    name: 'authsettingsV2'
    properties: {
      platform: { enabled: true }
      globalValidation: { requireAuthentication: false, unauthenticatedClientAction: 'AllowAnonymous' }
      httpSettings: { requireHttps: true }
      identityProviders: {
        azureActiveDirectory: {
          enabled: true
          registration: {
            clientId: operatorsClientId
            clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
            openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
          }
          validation: { allowedAudiences: [operatorsClientId, 'api://${operatorsClientId}'] }
        }
      }
      login: { tokenStore: { enabled: false } }
    }
  }
}

output name string = app.name
output url string = 'https://${app.properties.defaultHostName}'
