curl --location --request PUT 'https://api.voipbin.net/v1.0/customer?token=<YOUR_AUTH_TOKEN>' \
--header 'Content-Type: application/json' \
--data-raw '{
"webhook_uri": "https://your-server.com/voipbin/webhook",
"webhook_method": "POST"
}'
