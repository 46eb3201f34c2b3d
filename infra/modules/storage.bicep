// One account for data that lands, for the workspace, and for what the control plane remembers.
// No shared keys: every access is by identity.
@description('Name of the account.')
@minLength(3)
@maxLength(24)
param name string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Redundancy of the account.')
@allowed(['Standard_LRS', 'Standard_ZRS'])
param redundancy string

@description('Principal of the function app.')
param appPrincipalId string

@description('Principal of the training cluster.')
param computePrincipalId string

@description('Principals that read models.')
param readerPrincipalIds string[]

@description('Principal that deploys: it uploads code, lands data and reports; or empty.')
param deployerPrincipalId string

@description('Days after which dead letters and coverage reports are deleted.')
@minValue(1)
param leftoversDays int = 90

var packages = 'packages'
var definitions = 'Microsoft.Authorization/roleDefinitions'
var roles = {
  blobOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  blobContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  blobReader: '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
  queueContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  tableContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
}
// The Functions host keeps its locks in blobs of the account, which needs ownership.
var own = [
  { principalId: appPrincipalId, role: roles.blobOwner }
  { principalId: appPrincipalId, role: roles.queueContributor }
  { principalId: appPrincipalId, role: roles.tableContributor }
  { principalId: computePrincipalId, role: roles.blobContributor }
]
var readers = [for id in readerPrincipalIds: { principalId: id, role: roles.blobReader }]
var grants = concat(own, readers)

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: redundancy
  }
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: 7
    }
  }
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = [
  for container in ['landing', 'dead-letters', 'reports', packages]: {
    parent: blobs
    name: container
  }
]

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2024-01-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'leftovers'
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: ['dead-letters/', 'reports/']
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterModificationGreaterThan: leftoversDays
                }
              }
            }
          }
        }
      ]
    }
  }
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for grant in grants: {
    name: guid(account.id, grant.principalId, grant.role)
    scope: account
    properties: {
      principalId: grant.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId(definitions, grant.role)
    }
  }
]

resource deployer 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(deployerPrincipalId)) {
  name: guid(account.id, deployerPrincipalId, roles.blobContributor)
  scope: account
  properties: {
    principalId: deployerPrincipalId
    roleDefinitionId: subscriptionResourceId(definitions, roles.blobContributor)
  }
}

output name string = account.name
output blobEndpoint string = account.properties.primaryEndpoints.blob
output packagesContainer string = packages
