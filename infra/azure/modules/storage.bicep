// The storage account: the history and all other tables, the queues, the keys of the functions, and the package of the app.
param name string
param location string
param tags object
param principalId string
param isPrivate bool
param zoneRedundant bool

@description('Locks the account against deletion, and makes the container for sealed exports of the history.')
param protectHistory bool

@description('The days for which a blob of the container for sealed exports can be neither changed nor deleted.')
param sealedDays int = 400

var roles = {
  blobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  queueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  tableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
}

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS' }
  properties: {
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: { enabled: true, days: 7 }
  }

  resource package 'containers' = {
    name: 'app-package'
  }

  resource sealed 'containers' = if (protectHistory) {
    name: 'sealed-history'

    resource policy 'immutabilityPolicies' = {
      name: 'default'
      properties: {
        immutabilityPeriodSinceCreationInDays: sealedDays
        allowProtectedAppendWrites: true
      }
    }
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (protectHistory) {
  name: 'keep-history'
  scope: account
  properties: {
    level: 'CanNotDelete'
    notes: 'This account holds the drift history of Twinkeeper. See docs/deploy.md before you remove the lock.'
  }
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in items(roles): {
    name: guid(account.id, principalId, role.value)
    scope: account
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
    }
  }
]

output id string = account.id
output name string = account.name
output blobEndpoint string = account.properties.primaryEndpoints.blob
output queueEndpoint string = account.properties.primaryEndpoints.queue
output tableEndpoint string = account.properties.primaryEndpoints.table
output packageContainer string = blobs::package.name
