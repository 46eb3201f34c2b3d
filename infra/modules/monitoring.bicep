// Where telemetry goes. Only identities may write to it.
@description('Name of this installation.')
param environmentName string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Principals that may write telemetry.')
param publisherPrincipalIds string[]

@description('Days that logs are kept.')
@minValue(30)
@maxValue(730)
param retentionInDays int = 30

var definitions = 'Microsoft.Authorization/roleDefinitions'
var roles = {
  metricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
}

resource logs 'Microsoft.OperationalInsights/workspaces@2025-02-01' = {
  name: 'log-noon-${environmentName}'
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionInDays
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-noon-${environmentName}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: logs.id
    DisableLocalAuth: true
  }
}

resource publishers 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for principalId in publisherPrincipalIds: {
    name: guid(insights.id, principalId, roles.metricsPublisher)
    scope: insights
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId(definitions, roles.metricsPublisher)
    }
  }
]

output applicationInsightsId string = insights.id
output connectionString string = insights.properties.ConnectionString
output logAnalyticsName string = logs.name
