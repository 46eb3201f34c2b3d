// One user-assigned identity for each part that signs in, so that roles exist before the part does.
@description('Name of this installation.')
param environmentName string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-noon-app-${environmentName}'
  location: location
  tags: tags
}

resource endpoint 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-noon-endpoint-${environmentName}'
  location: location
  tags: tags
}

resource compute 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-noon-compute-${environmentName}'
  location: location
  tags: tags
}

resource scoring 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-noon-scoring-${environmentName}'
  location: location
  tags: tags
}

output appIdentityId string = app.id
output appClientId string = app.properties.clientId
output appPrincipalId string = app.properties.principalId
output endpointIdentityId string = endpoint.id
output endpointIdentityName string = endpoint.name
output endpointPrincipalId string = endpoint.properties.principalId
output computeIdentityId string = compute.id
output computePrincipalId string = compute.properties.principalId
output scoringIdentityId string = scoring.id
output scoringClientId string = scoring.properties.clientId
output scoringPrincipalId string = scoring.properties.principalId
