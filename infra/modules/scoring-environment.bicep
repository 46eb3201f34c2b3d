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

resource logs 'Microsoft.OperationalInsights/workspaces@2025-02-01' existing = {
  name: logAnalyticsName
}

resource apps 'Microsoft.App/managedEnvironments@2025-01-01' = {
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
var reach = external ? '' : '.internal'
output urlPattern string = 'https://ca-noon-{model}${reach}.${apps.properties.defaultDomain}'
