// The parameters of a deployment with azd, read from its environment. `azd env set NAME VALUE` sets a variable. azd asks for the first four
// values when they are missing.
using './main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', '')
param location = readEnvironmentVariable('AZURE_LOCATION', '')
param hubName = readEnvironmentVariable('IOTHUB_NAME', '')
param hubResourceGroup = readEnvironmentVariable('IOTHUB_RESOURCE_GROUP', '')
param mode = readEnvironmentVariable('TWINKEEPER_MODE', 'audit')
param privateNetwork = bool(readEnvironmentVariable('TWINKEEPER_PRIVATE_NETWORK', 'false'))
param protectHistory = bool(readEnvironmentVariable('TWINKEEPER_PROTECT_HISTORY', 'false'))
param zoneRedundant = bool(readEnvironmentVariable('TWINKEEPER_ZONE_REDUNDANT', 'false'))
param alwaysReady = int(readEnvironmentVariable('TWINKEEPER_ALWAYS_READY', '0'))
param alertEmail = readEnvironmentVariable('TWINKEEPER_ALERT_EMAIL', '')
param alertWebhook = readEnvironmentVariable('TWINKEEPER_ALERT_WEBHOOK', '')
param operatorsClientId = readEnvironmentVariable('TWINKEEPER_OPERATORS_CLIENT_ID', '')
