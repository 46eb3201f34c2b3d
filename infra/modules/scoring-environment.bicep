// Where the scoring containers run. It costs nothing while there are none.
@description('Name of this installation.')
param environmentName string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Name of the Log Analytics workspace.')
param logAnalyticsName string

@description('Whether the containers are reachable from outside, which needs tokens.')
param external bool

resource logs 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: logAnalyticsName
}

resource apps 'Microsoft.App/managedEnvironments@2024-03-01' = {
  name: 'cae-noon-${environmentName}'
  location: location
  tags: tags
  properties: {
    appLogsConfiguration: {
      destination: 'log-analytics'
      logAnalyticsConfiguration: {
        customerId: logs.properties.customerId
        sharedKey: logs.listKeys().primarySharedKey
      }
    }
  }
}

output id string = apps.id
// {model} stands for the name of a model: NOON_CONTAINER_URL is such a pattern.
output urlPattern string = external
  ? 'https://ca-noon-{model}.${apps.properties.defaultDomain}'
  : 'https://ca-noon-{model}.internal.${apps.properties.defaultDomain}'
