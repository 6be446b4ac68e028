// A virtual network for the app, with private endpoints for storage and the event hub, and for an IoT hub that refuses public access.
param name string
param location string
param tags object
param storageId string
param namespaceId string
param hubId string
param hubIsPrivate bool

// Bicep knows no suffix of Service Bus, to which Event Hubs belongs, and none of IoT Hub. Each cloud has its own.
var zonesOfClouds = {
  AzureCloud: { events: 'privatelink.servicebus.windows.net', iotHub: 'privatelink.azure-devices.net' }
  AzureUSGovernment: { events: 'privatelink.servicebus.usgovcloudapi.net', iotHub: 'privatelink.azure-devices.us' }
  AzureChinaCloud: { events: 'privatelink.servicebus.chinacloudapi.cn', iotHub: 'privatelink.azure-devices.cn' }
}
var zonesOfCloud = zonesOfClouds[environment().name]

var endpoints = [
  {
    name: 'blob'
    target: storageId
    group: 'blob'
    zone: 'privatelink.blob.${environment().suffixes.storage}'
    wanted: true
  }
  {
    name: 'queue'
    target: storageId
    group: 'queue'
    zone: 'privatelink.queue.${environment().suffixes.storage}'
    wanted: true
  }
  {
    name: 'table'
    target: storageId
    group: 'table'
    zone: 'privatelink.table.${environment().suffixes.storage}'
    wanted: true
  }
  {
    name: 'event-hub'
    target: namespaceId
    group: 'namespace'
    zone: zonesOfCloud.events
    wanted: true
  }
  { name: 'iot-hub', target: hubId, group: 'iotHub', zone: zonesOfCloud.iotHub, wanted: hubIsPrivate }
]

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: ['10.90.0.0/24'] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: '10.90.0.0/26'
          delegations: [{ name: 'functions', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
      {
        name: 'endpoints'
        properties: { addressPrefix: '10.90.0.64/26' }
      }
    ]
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for endpoint in endpoints: if (endpoint.wanted) {
    name: endpoint.zone
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (endpoint, i) in endpoints: if (endpoint.wanted) {
    parent: zones[i]
    name: 'twinkeeper'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: network.id }
    }
  }
]

resource privateEndpoints 'Microsoft.Network/privateEndpoints@2024-07-01' = [
  for endpoint in endpoints: if (endpoint.wanted) {
    name: 'pep-${endpoint.name}-${name}'
    location: location
    tags: tags
    properties: {
      subnet: { id: resourceId('Microsoft.Network/virtualNetworks/subnets', network.name, 'endpoints') }
      privateLinkServiceConnections: [
        {
          name: endpoint.name
          properties: { privateLinkServiceId: endpoint.target, groupIds: [endpoint.group] }
        }
      ]
    }
  }
]

resource zoneGroups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = [
  for (endpoint, i) in endpoints: if (endpoint.wanted) {
    parent: privateEndpoints[i]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [{ name: endpoint.name, properties: { privateDnsZoneId: zones[i].id } }]
    }
  }
]

output appSubnetId string = resourceId('Microsoft.Network/virtualNetworks/subnets', network.name, 'app')
