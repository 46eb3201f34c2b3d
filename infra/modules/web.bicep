// The static web user interface. No linked backend: a link would lock out every other caller.
@description('Name of this installation.')
param environmentName string

@description('Region; static web apps are offered in few.')
param location string

@description('Tags of every resource.')
param tags object

@description('Free or Standard.')
@allowed(['Free', 'Standard'])
param sku string

resource site 'Microsoft.Web/staticSites@2024-11-01' = {
  name: 'stapp-noon-${environmentName}'
  location: location
  tags: union(tags, { 'azd-service-name': 'web' })
  sku: {
    name: sku
    tier: sku
  }
  properties: {
    allowConfigFileUpdates: true
  }
}

output name string = site.name
output origin string = 'https://${site.properties.defaultHostname}'
