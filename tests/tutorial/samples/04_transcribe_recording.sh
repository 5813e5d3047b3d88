curl --location --request POST 'https://api.voipbin.net/v1.0/transcribes?token=<YOUR_AUTH_TOKEN>' \
--header 'Content-Type: application/json' \
--data-raw '{
"reference_type": "recording",
"reference_id": "r1s2t3u4-v5w6-x789-yz01-234567890def",
"language": "en-US",
"direction": "both"
}'
