// What the app may do on the hub. The two contributor roles have no right to the device count and to the automatic configurations, so the
// app also needs the reader role.
param hubName string

@description('The principal id of the app\'s identity. It is part of the names of the assignments: an identity that is made anew gets assignments of its own.')
param principalId string

@description('Whether the app may start import and export jobs on the hub.')
param jobs bool

var roles = {
  registryContributor: '4ea46cd5-c1b2-4a8e-910b-273211f9ce47'
  twinContributor: '494bdba2-168f-4f31-a0a1-191d2f7c028c'
  dataReader: 'b447c946-2db7-41ec-983d-d8bf3b1c77e3'
}

resource hub 'Microsoft.Devices/IotHubs@2023-06-30' existing = {
  name: hubName
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in items(roles): {
    name: guid(hub.id, principalId, role.value)
    scope: hub
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
    }
  }
]

// The only built-in role with these rights may do everything on the hub. A hub has one such role, whatever deployment needs it.
resource jobsRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (jobs) {
  name: guid(hub.id, 'Twinkeeper jobs')
  properties: {
    roleName: 'Twinkeeper jobs (${hubName})'
    description: 'Starts and cancels import and export jobs of an IoT hub.'
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: []
        notActions: []
        dataActions: [
          'Microsoft.Devices/IotHubs/jobs/write'
          'Microsoft.Devices/IotHubs/jobs/delete'
        ]
        notDataActions: []
      }
    ]
  }
}

resource jobsAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (jobs) {
  name: guid(hub.id, principalId, 'Twinkeeper jobs')
  scope: hub
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: jobsRole.id
  }
}
