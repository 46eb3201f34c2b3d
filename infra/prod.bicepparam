using './main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'prod')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param stage = 'prod'
// `noon deploy` sets these two: what runs goes on running.
param scoringImage = readEnvironmentVariable('NOON_SCORING_IMAGE', 'noon-backend:latest')
param containerModels = json(readEnvironmentVariable('NOON_CONTAINER_MODELS', '[]'))
param codeCommit = readEnvironmentVariable('NOON_CODE_COMMIT', 'unknown')
param monthlyBudget = 500
param contactEmails = readEnvironmentVariable('NOON_CONTACT', '')
param deployerPrincipalId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
param budgetFrom = readEnvironmentVariable('NOON_BUDGET_FROM', '')
