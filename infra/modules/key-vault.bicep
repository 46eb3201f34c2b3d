// The one secret of Noon: the private key of the GitHub App, put there by hand and read by reference.
@description('Makes the name of the vault unique.')
param token string

@description('Name of this installation.')
param environmentName string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Principal of the app, which reads the key.')
param appPrincipalId string

@description('Whether a deleted vault is kept for 90 days, and its name with it.')
param keepVault bool

var definitions = 'Microsoft.Authorization/roleDefinitions'
var roles = {
  secretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: take('kv-noon-${environmentName}-${token}', 24)
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: keepVault ? true : null
  }
}

resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, appPrincipalId, roles.secretsUser)
  scope: vault
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, roles.secretsUser)
  }
}

output uri string = vault.properties.vaultUri
output name string = vault.name
