// Event subscriptions. Deployed after the function app's code runs: a subscription to a function that
// does not exist yet is refused.
targetScope = 'resourceGroup'

@description('Name of the function app.')
param functionAppName string

@description('Name of the storage account where data lands.')
param storageAccountName string

@description('Name of the Azure ML workspace.')
param workspaceName string

@description('Region.')
param location string = resourceGroup().location

@description('Name of this installation.')
param environmentName string

@description('What the installation is for.')
param stage string

@description('Mail addresses that hear of alerts, with commas between; empty: none.')
param contactEmails string = ''

var tags = {
  'azd-env-name': environmentName
  product: 'noon'
  stage: stage
}
var deadLetters = 'dead-letters'
var retries = {
  maxDeliveryAttempts: 30
  eventTimeToLiveInMinutes: 1440
}
var definitions = 'Microsoft.Authorization/roleDefinitions'
var roles = {
  blobContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
}

resource app 'Microsoft.Web/sites@2024-11-01' existing = {
  name: functionAppName
}

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageAccountName
}

resource workspace 'Microsoft.MachineLearningServices/workspaces@2024-10-01' existing = {
  name: workspaceName
}

resource storageTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: 'evgt-${storageAccountName}'
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    source: account.id
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}

resource workspaceTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: 'evgt-${workspaceName}'
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    source: workspace.id
    topicType: 'Microsoft.MachineLearningServices.Workspaces'
  }
}

resource storageLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, storageTopic.id, roles.blobContributor)
  scope: account
  properties: {
    principalId: storageTopic.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, roles.blobContributor)
  }
}

resource workspaceLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, workspaceTopic.id, roles.blobContributor)
  scope: account
  properties: {
    principalId: workspaceTopic.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, roles.blobContributor)
  }
}

resource landings 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: storageTopic
  name: 'noon-landings'
  properties: {
    destination: {
      endpointType: 'AzureFunction'
      properties: {
        resourceId: '${app.id}/functions/data_landed'
        maxEventsPerBatch: 1
        preferredBatchSizeInKilobytes: 64
      }
    }
    eventDeliverySchema: 'EventGridSchema'
    filter: {
      includedEventTypes: ['Microsoft.Storage.BlobCreated']
      subjectBeginsWith: '/blobServices/default/containers/landing/'
      // With a hierarchical namespace an empty file is told of first.
      advancedFilters: [
        {
          operatorType: 'StringNotIn'
          key: 'data.api'
          values: ['CreateFile']
        }
      ]
    }
    retryPolicy: retries
    deadLetterWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: account.id
          blobContainerName: deadLetters
        }
      }
    }
  }
  dependsOn: [storageLetters]
}

resource runs 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: workspaceTopic
  name: 'noon-runs'
  properties: {
    destination: {
      endpointType: 'AzureFunction'
      properties: {
        resourceId: '${app.id}/functions/job_finished'
        maxEventsPerBatch: 1
        preferredBatchSizeInKilobytes: 64
      }
    }
    eventDeliverySchema: 'EventGridSchema'
    filter: {
      includedEventTypes: [
        'Microsoft.MachineLearningServices.RunCompleted'
        'Microsoft.MachineLearningServices.RunStatusChanged'
      ]
    }
    retryPolicy: retries
    deadLetterWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: account.id
          blobContainerName: deadLetters
        }
      }
    }
  }
  dependsOn: [workspaceLetters]
}

// Beside the subscriptions, since a rule's word is taken by a function too, whose key is read.
module alerts 'modules/alerts.bicep' = {
  name: 'noon-alerts'
  params: {
    location: location
    tags: tags
    functionAppName: functionAppName
    applicationInsightsName: 'appi-noon-${environmentName}'
    contactEmails: empty(contactEmails) ? [] : split(contactEmails, ',')
  }
}
