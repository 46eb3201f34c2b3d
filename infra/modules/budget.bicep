// Says when the month becomes expensive; it stops nothing.
@description('Name of this installation.')
param environmentName string

@description('Amount a month, in the currency of the subscription.')
param amount int

@description('Who hears of it.')
param contactEmails string[]

@description('First day of a month, yyyy-MM-dd.')
param from string

resource budget 'Microsoft.Consumption/budgets@2024-08-01' = {
  name: 'budget-noon-${environmentName}'
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: from
    }
    notifications: {
      actual80: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: contactEmails
      }
      forecast100: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: contactEmails
      }
    }
  }
}
