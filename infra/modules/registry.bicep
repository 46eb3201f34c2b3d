// Images of the scoring service and of the training environment.
@description('Name of the registry.')
@minLength(5)
@maxLength(50)
param name string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Principals that pull images.')
param pullPrincipalIds string[]

// AcrPull
var pullRole = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '7f951dda-4ed3-4680-a7ca-43fe172d538d'
)

resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'Basic'
  }
  properties: {
    adminUserEnabled: false
    anonymousPullEnabled: false
  }
}

resource pulls 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for principalId in pullPrincipalIds: {
    name: guid(registry.id, principalId, pullRole)
    scope: registry
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: pullRole
    }
  }
]

output id string = registry.id
output loginServer string = registry.properties.loginServer
