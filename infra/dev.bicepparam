using './main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'dev')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param stage = 'dev'
param codeCommit = readEnvironmentVariable('NOON_CODE_COMMIT', 'unknown')
param deployerPrincipalId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
