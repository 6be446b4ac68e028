// The workbook: compliance, drift, health and cost, read from the log.
param location string
param tags object
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'twinkeeper')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Twinkeeper'
    category: 'workbook'
    sourceId: workspaceId
    serializedData: loadTextContent('workbook.json')
  }
}
