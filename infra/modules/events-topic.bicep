// The custom topic on which Noon tells what it has decided (docs/events.md). Only the app's identity publishes.
@description('Name of this installation.')
param environmentName string

@description('Makes the name of the topic unique in its region.')
param token string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Principal of the app, which publishes.')
param appPrincipalId string

var definitions = 'Microsoft.Authorization/roleDefinitions'
var roles = {
  eventGridDataSender: 'd5a91429-5739-47e2-a06b-3470a27159e7'
}

resource topic 'Microsoft.EventGrid/topics@2025-02-15' = {
  name: 'evgt-noon-${environmentName}-${token}'
  location: location
  tags: tags
  properties: {
    inputSchema: 'CloudEventSchemaV1_0'
    disableLocalAuth: true
    minimumTlsVersionAllowed: '1.2'
    publicNetworkAccess: 'Enabled'
  }
}

resource sender 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(topic.id, appPrincipalId, roles.eventGridDataSender)
  scope: topic
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, roles.eventGridDataSender)
  }
}

output endpoint string = topic.properties.endpoint
