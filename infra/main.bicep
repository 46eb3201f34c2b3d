// Everything that Noon runs on, but no endpoint and no deployment: those belong to the control plane.
// The event subscriptions come in a second step (events.bicep), once the function app's code runs.
targetScope = 'subscription'

@description('Name of this installation; part of every resource name.')
@minLength(2)
@maxLength(12)
param environmentName string

@description('Region of everything but the static web app.')
param location string

@description('What the installation is for; decides redundancy and what stays warm.')
@allowed(['dev', 'test', 'prod'])
param stage string

@description('Region of the static web app, which is offered in few.')
param webLocation string = 'westeurope'

@description('Instances of the function app that stay warm for HTTP; 0 costs nothing and answers late at first.')
@minValue(0)
@maxValue(10)
param alwaysReadyHttp int = stage == 'dev' ? 0 : 1

@description('Memory of one instance of the function app, in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Requests that one instance answers at a time.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 64

@description('Most nodes of the training cluster; it scales to none.')
@minValue(1)
param computeNodesMax int = 2

@description('Size of a node of the training cluster.')
param computeSize string = 'Standard_DS3_v2'

@description('Image of the scoring service in the registry, with its tag.')
param scoringImage string = 'noon-backend:latest'

@description('Models with serving = "container": one container app for each, which scores it.')
param containerModels { model: string, environmentVersion: string }[] = []

@description('Applications (client ids) whose tokens the scoring container takes; empty: it is not reachable from outside.')
param scoringAudience string = ''

@description('Monthly budget in the currency of the subscription; 0: none.')
@minValue(0)
param monthlyBudget int = 0

@description('Mail addresses that hear of the budget and of alerts, with commas between; empty: none, and no budget.')
param contactEmails string = ''

@description('First day of the month in which the budget was first made (yyyy-MM-dd), which cannot be changed; empty: this month.')
param budgetFrom string = ''

@description('First day of this month; leave it.')
param monthBegins string = utcNow('yyyy-MM-01')

@description('Object id of who deploys: it may push images, upload code and register components; empty: nobody.')
param deployerPrincipalId string = ''

@description('Repository whose issues tell of alerts and rollouts, owner/name; empty: none.')
param githubRepository string = ''

@description('API of GitHub; another one for GitHub Enterprise Server.')
param githubApiUrl string = 'https://api.github.com'

@description('Id of the GitHub App that may write issues there.')
param githubAppId string = ''

@description('Id of the installation of the app in the repository.')
param githubInstallationId int = 0

@description('Page of the runbooks, to which issues link; empty: none.')
param runbooksUrl string = ''

@description('Whether to make an Event Grid topic on which Noon tells what it has decided.')
param publishEvents bool = false

@description('Endpoint of another Event Grid topic for that; empty: the one that is made, or none.')
param eventsTopicUrl string = ''

@description('The commit that is deployed; it is kept with every model.')
param codeCommit string = 'unknown'

var tags = {
  'azd-env-name': environmentName
  product: 'noon'
  stage: stage
}
var token = take(uniqueString(subscription().id, environmentName, location), 6)
// Of the storage account and the registry, whose names are small letters and digits.
var uniqueName = 'noon${toLower(replace(environmentName, '-', ''))}${token}'

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-noon-${environmentName}'
  location: location
  tags: tags
}

module identities 'modules/identities.bicep' = {
  scope: group
  name: 'identities'
  params: {
    environmentName: environmentName
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  name: 'monitoring'
  params: {
    environmentName: environmentName
    location: location
    tags: tags
    publisherPrincipalIds: [identities.outputs.appPrincipalId, identities.outputs.scoringPrincipalId]
  }
}

module workbook 'modules/workbook.bicep' = {
  scope: group
  name: 'workbook'
  params: {
    environmentName: environmentName
    location: location
    tags: tags
    applicationInsightsId: monitoring.outputs.applicationInsightsId
  }
}

module storage 'modules/storage.bicep' = {
  scope: group
  name: 'storage'
  params: {
    name: uniqueName
    location: location
    tags: tags
    redundancy: stage == 'prod' ? 'Standard_ZRS' : 'Standard_LRS'
    appPrincipalId: identities.outputs.appPrincipalId
    computePrincipalId: identities.outputs.computePrincipalId
    readerPrincipalIds: [identities.outputs.endpointPrincipalId, identities.outputs.scoringPrincipalId]
    deployerPrincipalId: deployerPrincipalId
  }
}

module registry 'modules/registry.bicep' = {
  scope: group
  name: 'registry'
  params: {
    name: uniqueName
    location: location
    tags: tags
    pullPrincipalIds: [
      identities.outputs.endpointPrincipalId
      identities.outputs.scoringPrincipalId
      identities.outputs.computePrincipalId
    ]
    deployerPrincipalId: deployerPrincipalId
  }
}

module machineLearning 'modules/machine-learning.bicep' = {
  scope: group
  name: 'machine-learning'
  params: {
    environmentName: environmentName
    token: token
    location: location
    tags: tags
    storageAccountName: storage.outputs.name
    registryId: registry.outputs.id
    applicationInsightsId: monitoring.outputs.applicationInsightsId
    computeIdentityId: identities.outputs.computeIdentityId
    computeNodesMax: computeNodesMax
    computeSize: computeSize
    appPrincipalId: identities.outputs.appPrincipalId
    endpointIdentityName: identities.outputs.endpointIdentityName
    keepVault: stage == 'prod'
    deployerPrincipalId: deployerPrincipalId
  }
}

module web 'modules/web.bicep' = {
  scope: group
  name: 'web'
  params: {
    environmentName: environmentName
    location: webLocation
    tags: tags
    sku: stage == 'prod' ? 'Standard' : 'Free'
  }
}

module keyVault 'modules/key-vault.bicep' = if (!empty(githubRepository)) {
  scope: group
  name: 'key-vault'
  params: {
    environmentName: environmentName
    token: token
    location: location
    tags: tags
    appPrincipalId: identities.outputs.appPrincipalId
    keepVault: stage == 'prod'
  }
}

module eventsTopic 'modules/events-topic.bicep' = if (publishEvents) {
  scope: group
  name: 'events-topic'
  params: {
    environmentName: environmentName
    token: token
    location: location
    tags: tags
    appPrincipalId: identities.outputs.appPrincipalId
  }
}

module functionApp 'modules/function-app.bicep' = {
  scope: group
  name: 'function-app'
  params: {
    environmentName: environmentName
    token: token
    location: location
    tags: tags
    identityId: identities.outputs.appIdentityId
    identityClientId: identities.outputs.appClientId
    storageAccountName: storage.outputs.name
    packagesContainer: storage.outputs.packagesContainer
    applicationInsightsConnectionString: monitoring.outputs.connectionString
    alwaysReadyHttp: alwaysReadyHttp
    instanceMemoryMB: instanceMemoryMB
    httpConcurrency: httpConcurrency
    webOrigin: web.outputs.origin
    workspaceName: machineLearning.outputs.workspaceName
    computeName: machineLearning.outputs.computeName
    runsContainer: machineLearning.outputs.runsContainer
    endpointIdentityId: identities.outputs.endpointIdentityId
    servingImage: '${registry.outputs.loginServer}/${scoringImage}'
    containerUrl: empty(containerModels) ? '' : scoringEnvironment.outputs.urlPattern
    containerAudience: scoringAudience
    eventsTopicUrl: !empty(eventsTopicUrl) || !publishEvents ? eventsTopicUrl : eventsTopic!.outputs.endpoint
    githubRepository: githubRepository
    githubApiUrl: githubApiUrl
    githubAppId: githubAppId
    githubInstallationId: githubInstallationId
    // Without a version: a renewed key is taken within a day, or when the app starts anew.
    githubKeyUri: empty(githubRepository) ? '' : '${keyVault!.outputs.uri}secrets/github-app-key'
    runbooksUrl: runbooksUrl
    codeCommit: codeCommit
  }
}

module scoringEnvironment 'modules/scoring-environment.bicep' = {
  scope: group
  name: 'scoring-environment'
  params: {
    environmentName: environmentName
    location: location
    tags: tags
    logAnalyticsName: monitoring.outputs.logAnalyticsName
    external: !empty(scoringAudience)
  }
}

module scoringContainers 'modules/scoring-container.bicep' = [
  for each in containerModels: {
    scope: group
    name: 'scoring-${each.model}'
    params: {
      location: location
      tags: tags
      image: '${registry.outputs.loginServer}/${scoringImage}'
      registryServer: registry.outputs.loginServer
      environmentId: scoringEnvironment.outputs.id
      identityId: identities.outputs.scoringIdentityId
      identityClientId: identities.outputs.scoringClientId
      servingUrl: '${storage.outputs.blobEndpoint}${machineLearning.outputs.runsContainer}/noon/serving/${each.model}'
      audience: scoringAudience
      model: each.model
      environmentVersion: each.environmentVersion
      replicasMin: stage == 'dev' ? 0 : 1
    }
  }
]

module budget 'modules/budget.bicep' = if (monthlyBudget > 0 && !empty(contactEmails)) {
  scope: group
  name: 'budget'
  params: {
    environmentName: environmentName
    amount: monthlyBudget
    contactEmails: split(contactEmails, ',')
    from: empty(budgetFrom) ? monthBegins : budgetFrom
  }
}

output AZURE_RESOURCE_GROUP string = group.name
output NOON_STAGE string = stage
output NOON_CONTACT string = contactEmails
output NOON_FUNCTION_APP string = functionApp.outputs.name
output NOON_FUNCTION_APP_URL string = functionApp.outputs.url
output NOON_STORAGE_ACCOUNT string = storage.outputs.name
output NOON_WORKSPACE string = machineLearning.outputs.workspaceName
output NOON_REGISTRY string = registry.outputs.loginServer
output NOON_WEB_APP string = web.outputs.name
output NOON_WEB_URL string = web.outputs.origin
