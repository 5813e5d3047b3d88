curl --location --request POST 'https://api.voipbin.net/v1.0/transcribes?token=<YOUR_AUTH_TOKEN>' \
--header 'Content-Type: application/json' \
--data-raw '{
"reference_type": "confbridge",
"reference_id": "c1d2e3f4-a5b6-7890-cdef-123456789abc",
"language": "en-US",
"direction": "both"
}'
