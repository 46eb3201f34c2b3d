// Alert rules, and the action group that brings what they say back to the function app.
// Deployed after the app's code runs (infra/events.bicep): the key of a function is read that must exist.
// Every rule is called noon-<anchor>, and docs/runbooks.md has a part of that anchor.
@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Name of the function app that takes the alerts.')
param functionAppName string

@description('Name of the Application Insights component that the rules ask.')
param applicationInsightsName string

@description('Who hears of alerts by mail besides; empty: nobody.')
param contactEmails string[] = []

@description('Minutes that a slot may be due without a job: at noon plus 15 it is told.')
@minValue(5)
param slotOverdueMinutes int = 15

@description('Days that a champion may rule without being replaced.')
@minValue(1)
param championAgeDays int = 30

@description('Verdicts in a row that let nobody pass.')
@minValue(1)
param refusalsInARow int = 3

@description('Loss of the champion\'s metric on the newest holdout, in hundredths of the metric.')
@minValue(1)
param championLossHundredths int = 5

@description('Percent of predictions that may fail or be late.')
@minValue(1)
@maxValue(100)
param failedPercent int = 5

@description('Mean milliseconds of a prediction.')
@minValue(1)
param meanMilliseconds int = 500

@description('Answers of the function app with 5xx in a quarter of an hour.')
@minValue(1)
param serverErrors int = 10

resource app 'Microsoft.Web/sites@2024-11-01' existing = {
  name: functionAppName
}

resource handler 'Microsoft.Web/sites/functions@2024-11-01' existing = {
  parent: app
  name: 'alerts'
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-noon'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'noon'
    enabled: true
    webhookReceivers: [
      {
        name: 'noon-alerts'
        // The key opens this one function and stands nowhere else; deployed again, it is read again.
        serviceUri: 'https://${app.properties.defaultHostName}/api/alerts?code=${handler.listKeys().default}'
        useCommonAlertSchema: true
      }
    ]
    emailReceivers: [
      for each in contactEmails: {
        name: each
        emailAddress: each
        useCommonAlertSchema: true
      }
    ]
  }
}

// The column `model` is the dimension by which the handler knows whose issue it is.
var rules = [
  {
    name: 'slot-overdue'
    severity: 2
    description: 'A slot is due and has no job: the model is not retrained as its schedule says.'
    window: 'PT15M'
    every: 'PT5M'
    query: 'customMetrics | where name == "noon.slot.overdue" | extend model = tostring(customDimensions["noon.model"]) | summarize minutes = max(value) by model, bin(timestamp, 5m)'
    measure: 'minutes'
    operator: 'GreaterThan'
    threshold: slotOverdueMinutes
    dimension: 'model'
  }
  {
    name: 'silent'
    severity: 1
    description: 'The app has not said for a quarter of an hour how its models stand: perhaps it does not run.'
    window: 'PT15M'
    every: 'PT5M'
    query: 'customMetrics | where name == "noon.slot.age"'
    measure: ''
    operator: 'LessThan'
    threshold: 1
    dimension: ''
  }
  {
    name: 'champion-old'
    severity: 3
    description: 'No challenger has replaced the champion for a long time.'
    window: 'PT6H'
    every: 'PT1H'
    query: 'customMetrics | where name == "noon.champion.age" | extend model = tostring(customDimensions["noon.model"]) | summarize days = max(value) / 86400 by model, bin(timestamp, 1h)'
    measure: 'days'
    operator: 'GreaterThan'
    threshold: championAgeDays
    dimension: 'model'
  }
  {
    name: 'gate-refused'
    severity: 2
    description: 'The gate has let nobody pass several times in a row.'
    window: 'PT1H'
    every: 'PT15M'
    query: 'customMetrics | where name == "noon.gate.refusals" | extend model = tostring(customDimensions["noon.model"]) | summarize verdicts = max(value) by model, bin(timestamp, 15m)'
    measure: 'verdicts'
    operator: 'GreaterThanOrEqual'
    threshold: refusalsInARow
    dimension: 'model'
  }
  {
    name: 'rolled-back'
    severity: 2
    description: 'A version was given up during its rollout; the champion has all traffic again.'
    window: 'PT15M'
    every: 'PT5M'
    query: 'customMetrics | where name == "noon.rollout.phase" | extend model = tostring(customDimensions["noon.model"]), phase = tostring(customDimensions["noon.rollout.phase"]) | where phase == "rolled_back" and value < 3600 | summarize rollouts = dcount(tostring(customDimensions["noon.deployment"])) by model, bin(timestamp, 15m)'
    measure: 'rollouts'
    operator: 'GreaterThan'
    threshold: 0
    dimension: 'model'
  }
  {
    name: 'poison'
    severity: 1
    description: 'A message or a notice failed every time and was put aside.'
    window: 'PT15M'
    every: 'PT5M'
    query: 'customMetrics | where name == "noon.poison" | summarize messages = max(value) by bin(timestamp, 5m)'
    measure: 'messages'
    operator: 'GreaterThan'
    threshold: 0
    dimension: ''
  }
  {
    name: 'dead-letters'
    severity: 2
    description: 'Event Grid could not deliver an event and left it behind.'
    window: 'PT1H'
    every: 'PT15M'
    query: 'customMetrics | where name == "noon.dead_letters" | summarize letters = max(value) - min(value) by bin(timestamp, 1h)'
    measure: 'letters'
    operator: 'GreaterThan'
    threshold: 0
    dimension: ''
  }
  {
    name: 'predictions-failing'
    severity: 1
    description: 'Callers get errors or wait too long for predictions.'
    window: 'PT15M'
    every: 'PT5M'
    query: 'customMetrics | where name == "noon.prediction.duration" | extend model = tostring(customDimensions["noon.model"]), outcome = tostring(customDimensions["noon.outcome"]) | summarize asked = sum(valueCount), failed = sumif(valueCount, outcome in ("failed", "late")) by model, bin(timestamp, 15m) | where asked >= 20 | extend percent = 100.0 * failed / asked'
    measure: 'percent'
    operator: 'GreaterThan'
    threshold: failedPercent
    dimension: 'model'
  }
  {
    name: 'predictions-slow'
    severity: 2
    description: 'Predictions take long on average.'
    window: 'PT15M'
    every: 'PT5M'
    query: 'customMetrics | where name == "noon.prediction.duration" | extend model = tostring(customDimensions["noon.model"]), outcome = tostring(customDimensions["noon.outcome"]) | where outcome == "answered" | summarize asked = sum(valueCount), total = sum(valueSum) by model, bin(timestamp, 15m) | where asked >= 20 | extend milliseconds = total / asked'
    measure: 'milliseconds'
    operator: 'GreaterThan'
    threshold: meanMilliseconds
    dimension: 'model'
  }
  {
    name: 'drift'
    severity: 2
    description: 'The champion does worse on the newest labelled rows than when it was promoted.'
    window: 'PT1H'
    every: 'PT15M'
    query: 'customMetrics | where name == "noon.champion.loss" | extend model = tostring(customDimensions["noon.model"]) | summarize hundredths = 100 * max(value) by model, bin(timestamp, 15m)'
    measure: 'hundredths'
    operator: 'GreaterThan'
    threshold: championLossHundredths
    dimension: 'model'
  }
]

resource queries 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: 'noon-${rule.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'noon-${rule.name}'
      description: rule.description
      severity: rule.severity
      enabled: true
      scopes: [insights.id]
      evaluationFrequency: rule.every
      windowSize: rule.window
      // What is over resolves the alert, which closes the issue.
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: empty(rule.measure) ? 'Count' : 'Maximum'
            metricMeasureColumn: empty(rule.measure) ? null : rule.measure
            dimensions: empty(rule.dimension) ? [] : [{ name: rule.dimension, operator: 'Include', values: ['*'] }]
            operator: rule.operator
            threshold: rule.threshold
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: [group.id]
      }
    }
  }
]

resource errors 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'noon-server-errors'
  location: 'global'
  tags: tags
  properties: {
    description: 'The function app answers with 5xx: the platform counts it, whatever the app says.'
    severity: 1
    enabled: true
    scopes: [app.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'server-errors'
          criterionType: 'StaticThresholdCriterion'
          metricNamespace: 'Microsoft.Web/sites'
          metricName: 'Http5xx'
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: serverErrors
          // A new app has not counted anything yet, which must not refuse the rule.
          skipMetricValidation: true
        }
      ]
    }
    actions: [
      {
        actionGroupId: group.id
      }
    ]
  }
}
