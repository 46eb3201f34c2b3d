// The workspace, its training cluster that scales to none, and the datastore where data lands.
// Endpoints and deployments are made by the control plane alone: none here, on purpose.
@description('Name of this installation.')
param environmentName string

@description('Makes the name of the key vault unique.')
param token string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Name of the storage account.')
param storageAccountName string

@description('ARM id of the container registry.')
param registryId string

@description('ARM id of Application Insights.')
param applicationInsightsId string

@description('ARM id of the identity of the training cluster.')
param computeIdentityId string

@description('Most nodes of the training cluster.')
@minValue(1)
param computeNodesMax int

@description('Size of a node of the training cluster.')
param computeSize string

@description('Principal of the function app, which runs jobs and owns endpoints.')
param appPrincipalId string

@description('Name of the identity that the control plane gives to endpoints.')
param endpointIdentityName string

@description('Whether a deleted vault is kept for 90 days, and its name with it.')
param keepVault bool

@description('Principal that registers components and environments, or empty.')
param deployerPrincipalId string

var definitions = 'Microsoft.Authorization/roleDefinitions'
var roles = {
  dataScientist: 'f6c7c914-8db3-469d-8ca1-694a8f32e121'
  identityOperator: 'f1a07417-d97a-45cb-824c-7a7467783830'
  blobContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
}

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageAccountName
}

resource endpointIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: endpointIdentityName
}

// A workspace cannot be made without one; Noon itself keeps no secret.
resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: 'kv-noon-${token}'
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

resource workspace 'Microsoft.MachineLearningServices/workspaces@2024-10-01' = {
  name: 'mlw-noon-${environmentName}'
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  sku: {
    name: 'Basic'
    tier: 'Basic'
  }
  properties: {
    friendlyName: 'Noon ${environmentName}'
    storageAccount: account.id
    keyVault: vault.id
    applicationInsights: applicationInsightsId
    containerRegistry: registryId
    publicNetworkAccess: 'Enabled'
    // The account takes no keys: the system datastores sign in, too.
    systemDatastoresAuthMode: 'Identity'
  }
}

resource cluster 'Microsoft.MachineLearningServices/workspaces/computes@2024-10-01' = {
  parent: workspace
  name: 'cpu-cluster'
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${computeIdentityId}': {}
    }
  }
  properties: {
    computeType: 'AmlCompute'
    disableLocalAuth: true
    properties: {
      vmSize: computeSize
      vmPriority: 'Dedicated'
      osType: 'Linux'
      remoteLoginPortPublicAccess: 'Disabled'
      scaleSettings: {
        minNodeCount: 0
        maxNodeCount: computeNodesMax
        nodeIdleTimeBeforeScaleDown: 'PT5M'
      }
    }
  }
}

resource landing 'Microsoft.MachineLearningServices/workspaces/datastores@2024-10-01' = {
  parent: workspace
  name: 'landing'
  properties: {
    datastoreType: 'AzureBlob'
    accountName: account.name
    containerName: 'landing'
    endpoint: environment().suffixes.storage
    protocol: 'https'
    serviceDataAccessAuthIdentity: 'WorkspaceSystemAssignedIdentity'
    credentials: {
      credentialsType: 'None'
    }
  }
}

resource workspaceReadsStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, workspace.id, roles.blobContributor)
  scope: account
  properties: {
    principalId: workspace.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, roles.blobContributor)
  }
}

resource appUsesWorkspace 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, appPrincipalId, roles.dataScientist)
  scope: workspace
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, roles.dataScientist)
  }
}

resource appGivesIdentity 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(endpointIdentity.id, appPrincipalId, roles.identityOperator)
  scope: endpointIdentity
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, roles.identityOperator)
  }
}

resource deployerUsesWorkspace 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(deployerPrincipalId)) {
  name: guid(workspace.id, deployerPrincipalId, roles.dataScientist)
  scope: workspace
  properties: {
    principalId: deployerPrincipalId
    roleDefinitionId: subscriptionResourceId(definitions, roles.dataScientist)
  }
}

output workspaceName string = workspace.name
output workspaceId string = workspace.id
output computeName string = cluster.name
// The workspace makes this container itself, and names it by its own id.
output runsContainer string = 'azureml-blobstore-${workspace.properties.workspaceId}'
