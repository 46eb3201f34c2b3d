// The control plane: Flex Consumption, Python, every connection by identity.
@description('Name of this installation.')
param environmentName string

@description('Makes the name of the app unique.')
param token string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('ARM id of the identity of the app.')
param identityId string

@description('Client id of the identity of the app.')
param identityClientId string

@description('Name of the storage account.')
param storageAccountName string

@description('Container from which the app is deployed.')
param packagesContainer string

@description('Connection string of Application Insights; it holds no key that opens anything.')
param applicationInsightsConnectionString string

@description('Instances that stay warm for HTTP.')
@minValue(0)
param alwaysReadyHttp int

@description('Memory of one instance, in MB.')
param instanceMemoryMB int

@description('Requests that one instance answers at a time.')
@minValue(1)
param httpConcurrency int

@description('Origin of the web user interface, which may call the app.')
param webOrigin string

@description('Name of the Azure ML workspace.')
param workspaceName string

@description('Compute that trains.')
param computeName string

@description('Container behind the datastore of runs.')
param runsContainer string

@description('ARM id of the identity of endpoints.')
param endpointIdentityId string

@description('Image of the scoring service.')
param servingImage string

@description('Address of the scoring containers, or empty.')
param containerUrl string

@description('Whom the tokens for the scoring containers are for, or empty.')
param containerAudience string

@description('Endpoint of the topic for Noon\'s own events, or empty.')
param eventsTopicUrl string = ''

@description('Repository whose issues tell of alerts and rollouts, owner/name, or empty.')
param githubRepository string = ''

@description('API of GitHub; another one for GitHub Enterprise Server.')
param githubApiUrl string = 'https://api.github.com'

@description('Id of the GitHub App, or empty.')
param githubAppId string = ''

@description('Id of the app\'s installation in the repository, or 0.')
param githubInstallationId int = 0

@description('Address in the key vault of the key of the GitHub App, or empty.')
param githubKeyUri string = ''

@description('Page of the runbooks, to which issues link, or empty.')
param runbooksUrl string = ''

@description('The commit that is deployed.')
param codeCommit string

@description('When the timer looks for slots, six-field NCRONTAB in UTC.')
param trainingSchedule string = '0 0 12 * * *'

@description('When the timer looks for models that are due.')
param tickSchedule string = '0 * * * * *'

// Settings name URLs without a slash at the end.
var suffix = environment().suffixes.storage
var blobUrl = 'https://${storageAccountName}.blob.${suffix}'
var queueUrl = 'https://${storageAccountName}.queue.${suffix}'
var tableUrl = 'https://${storageAccountName}.table.${suffix}'

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'plan-noon-${environmentName}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: 'func-noon-${environmentName}-${token}'
  location: location
  tags: union(tags, { 'azd-service-name': 'functions' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    // Whose identity reads what settings take from the key vault.
    keyVaultReferenceIdentity: identityId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobUrl}/${packagesContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.11'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: 40
        alwaysReady: alwaysReadyHttp == 0 ? [] : [{ name: 'http', instanceCount: alwaysReadyHttp }]
        triggers: {
          http: {
            perInstanceConcurrency: httpConcurrency
          }
        }
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      cors: {
        allowedOrigins: [webOrigin]
      }
    }
  }
}

resource settings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: app
  name: 'appsettings'
  properties: {
    AzureWebJobsStorage__accountName: storageAccountName
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsightsConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    // The host exports its own telemetry and leaves the worker's to the app (host.json: telemetryMode).
    PYTHON_ENABLE_OPENTELEMETRY: 'true'
    // Nothing is sent to anybody but the resource above.
    APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL: 'true'
    APPLICATIONINSIGHTS_SDKSTATS_DISABLED: 'true'
    APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED: 'true'
    APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED: 'true'
    AZURE_CLIENT_ID: identityClientId
    AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential'
    TRAINING_SCHEDULE: trainingSchedule
    TICK_SCHEDULE: tickSchedule
    NOON_PROFILE: ''
    NOON_MODELS_DIR: 'models'
    NOON_SUBSCRIPTION_ID: subscription().subscriptionId
    NOON_RESOURCE_GROUP: resourceGroup().name
    NOON_WORKSPACE: workspaceName
    NOON_COMPUTE: computeName
    NOON_ENDPOINT_IDENTITY: endpointIdentityId
    NOON_SERVING_IMAGE: servingImage
    NOON_LANDING_URL: '${blobUrl}/landing'
    NOON_LANDING_DATASTORE: 'landing'
    NOON_RUNS_URL: '${blobUrl}/${runsContainer}'
    NOON_RUNS_DATASTORE: 'workspaceblobstore'
    NOON_BLOB_URL: blobUrl
    NOON_QUEUE_URL: queueUrl
    NOON_TABLE_URL: tableUrl
    NOON_QUEUE_NAME: 'noon-reconcile'
    NOON_DEAD_LETTER_URL: '${blobUrl}/dead-letters'
    NOON_CONTAINER_URL: containerUrl
    NOON_CONTAINER_AUDIENCE: containerAudience
    NOON_LEASE_SECONDS: '60'
    NOON_DECISION_DAYS: '400'
    NOON_PREDICT_TIMEOUT_SECONDS: '10'
    NOON_NOTICES_QUEUE_NAME: 'noon-notices'
    NOON_EVENTS_TOPIC_URL: eventsTopicUrl
    NOON_GITHUB_REPOSITORY: githubRepository
    NOON_GITHUB_API_URL: githubApiUrl
    NOON_GITHUB_APP_ID: githubAppId
    NOON_GITHUB_INSTALLATION_ID: string(githubInstallationId)
    NOON_GITHUB_PRIVATE_KEY: empty(githubKeyUri) ? '' : '@Microsoft.KeyVault(SecretUri=${githubKeyUri})'
    NOON_RUNBOOKS_URL: runbooksUrl
    NOON_WEB_URL: webOrigin
    NOON_CODE_COMMIT: codeCommit
    NOON_TRACED_PREDICTIONS: '0.01'
  }
}

output id string = app.id
output name string = app.name
output url string = 'https://${app.properties.defaultHostName}'
