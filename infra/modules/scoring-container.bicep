// The scoring service as a container app, for a model with serving = "container".
@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Image with registry and tag.')
param image string

@description('Login server of the registry.')
param registryServer string

@description('ARM id of the environment of container apps.')
param environmentId string

@description('ARM id of the identity that pulls the image and reads models.')
param identityId string

@description('Client id of that identity.')
param identityClientId string

@description('URL below which the versions of the model are published.')
param servingUrl string

@description('Whom the tokens of callers must be for; empty: only callers of the environment reach it.')
param audience string

@description('Name of the model.')
@maxLength(20)
param model string

@description('Version of the serving environment that the image is.')
param environmentVersion string

@description('Least replicas.')
@minValue(0)
param replicasMin int

var port = 8000
var login = environment().authentication.loginEndpoint
var openIdConfiguration = '${login}${subscription().tenantId}/v2.0/.well-known/openid-configuration'

resource scoring 'Microsoft.App/containerApps@2025-01-01' = {
  name: 'ca-noon-${model}'
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    managedEnvironmentId: environmentId
    configuration: {
      ingress: {
        external: !empty(audience)
        targetPort: port
        transport: 'http'
      }
      registries: [
        {
          server: registryServer
          identity: identityId
        }
      ]
    }
    template: {
      containers: [
        {
          name: 'scoring'
          image: image
          resources: {
            cpu: json('1.0')
            memory: '2Gi'
          }
          env: [
            { name: 'SCORING_SERVING_URL', value: servingUrl }
            { name: 'SCORING_ENVIRONMENT_VERSION', value: environmentVersion }
            { name: 'SCORING_AUTH', value: empty(audience) ? 'off' : 'entra' }
            { name: 'SCORING_AUDIENCE', value: audience }
            { name: 'SCORING_OPENID_CONFIGURATION', value: openIdConfiguration }
            { name: 'SCORING_ROLES', value: 'Score' }
            { name: 'AZURE_CLIENT_ID', value: identityClientId }
            { name: 'PORT', value: string(port) }
          ]
          probes: [
            {
              type: 'Liveness'
              httpGet: {
                path: '/health/live'
                port: port
              }
            }
            {
              type: 'Readiness'
              httpGet: {
                path: '/health/ready'
                port: port
              }
            }
          ]
        }
      ]
      scale: {
        minReplicas: replicasMin
        // The control plane asks one process whether a switch has happened.
        maxReplicas: 1
      }
    }
  }
}

output url string = 'https://${scoring.properties.configuration.ingress.fqdn}'
