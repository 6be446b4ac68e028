// The parameters of a deployment without azd, and of the committed snapshot. They come from the same variables as in main.parameters.json,
// which azd reads. This file must not be called main.bicepparam: azd would prefer it, and azd asks for no parameter of a .bicepparam file.
using './main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME')
param location = readEnvironmentVariable('AZURE_LOCATION')
param hubName = readEnvironmentVariable('IOTHUB_NAME')
param hubResourceGroup = readEnvironmentVariable('IOTHUB_RESOURCE_GROUP')
param mode = readEnvironmentVariable('TWINKEEPER_MODE', 'audit')
param hubJobs = bool(readEnvironmentVariable('TWINKEEPER_HUB_JOBS', 'true'))
param privateNetwork = bool(readEnvironmentVariable('TWINKEEPER_PRIVATE_NETWORK', 'false'))
param protectHistory = bool(readEnvironmentVariable('TWINKEEPER_PROTECT_HISTORY', 'false'))
param zoneRedundant = bool(readEnvironmentVariable('TWINKEEPER_ZONE_REDUNDANT', 'false'))
param alwaysReady = int(readEnvironmentVariable('TWINKEEPER_ALWAYS_READY', '0'))
param alertEmail = readEnvironmentVariable('TWINKEEPER_ALERT_EMAIL', '')
param alertWebhook = readEnvironmentVariable('TWINKEEPER_ALERT_WEBHOOK', '')
param operatorsClientId = readEnvironmentVariable('TWINKEEPER_OPERATORS_CLIENT_ID', '')
