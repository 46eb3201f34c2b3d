// The operator's page: what the queries of infra/queries say, as a workbook of Application Insights.
@description('Name of this installation.')
param environmentName string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('ARM id of the Application Insights that is asked.')
param applicationInsightsId string

// The page names the files; their text comes in here, so that no query is written twice.
// Of any type: not every item has a query, and the compiler would miss it.
var page = any(loadJsonContent('../workbook.json'))
var queries = {
  'no_new_model.kql': loadTextContent('../queries/no_new_model.kql')
  'noon_missed.kql': loadTextContent('../queries/noon_missed.kql')
  'gate_refusals.kql': loadTextContent('../queries/gate_refusals.kql')
  'rollouts.kql': loadTextContent('../queries/rollouts.kql')
  'predictions.kql': loadTextContent('../queries/predictions.kql')
  'latency.kql': loadTextContent('../queries/latency.kql')
  'poison.kql': loadTextContent('../queries/poison.kql')
  'champion_age.kql': loadTextContent('../queries/champion_age.kql')
  'failed_jobs.kql': loadTextContent('../queries/failed_jobs.kql')
  'orders.kql': loadTextContent('../queries/orders.kql')
  'calls.kql': loadTextContent('../queries/calls.kql')
  'decision.kql': loadTextContent('../queries/decision.kql')
}
var items = [
  for item in page.items: item.type == 3 ? union(item, { content: union(item.content, { query: queries[item.content.query] }) }) : item
]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'noon', environmentName)
  location: location
  tags: union(tags, { 'hidden-title': 'Noon ${environmentName}' })
  kind: 'shared'
  properties: {
    displayName: 'Noon ${environmentName}'
    category: 'workbook'
    version: '1.0'
    sourceId: applicationInsightsId
    serializedData: string(union(page, { items: items, fallbackResourceIds: [applicationInsightsId] }))
  }
}

output id string = workbook.id
