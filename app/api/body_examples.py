"""An example of each body that is worth one, for the OpenAPI document: what a first request looks like."""

from __future__ import annotations

from collections.abc import Mapping

_ID = "8c5a9e2a-2a7f-4a6f-9f1d-debd72c279ce"
_SOURCE = {"type": "tel", "target": "+15551234567"}
_ACTIONS = [
    {"type": "answer"},
    {"type": "transcribe_start", "option": {"language": "en-US"}},
    {"type": "talk", "option": {"text": "This call is being transcribed", "language": "en-US"}},
]

EXAMPLES: Mapping[str, Mapping[str, object]] = {
    "Login": {"username": "admin", "password": "the one that the first start printed"},
    "CustomerChange": {"webhook_uri": "https://your-server.com/voipbin/webhook", "webhook_method": "POST"},
    "CustomerMetadataChange": {"rtp_debug": True},
    "AgentOrder": {
        "username": "ann",
        "password": "correct horse battery staple",
        "name": "Ann",
        "ring_method": "ringall",
        "permission": 16,
        "addresses": [{"type": "extension", "target_name": "2001"}],
    },
    "AgentChange": {"name": "Ann", "ring_method": "linear"},
    "AgentAddresses": {"addresses": [{"type": "extension", "target_name": "2001"}, _SOURCE]},
    "AgentPassword": {"password": "correct horse battery staple"},
    "AgentPermission": {"permission": 64},
    "AgentStatusChange": {"status": "available"},
    "AgentTags": {"tag_ids": [_ID]},
    "AccessKeyOrder": {"name": "crm", "detail": "reads the transcripts", "expire": 31_536_000},
    "AccessKeyChange": {"name": "crm"},
    "CallsOrder": {
        "source": _SOURCE,
        "destinations": [{"type": "tel", "target": "+15559876543"}],
        "actions": _ACTIONS,
    },
    "MuteChange": {"direction": "both"},
    "Talk": {"text": "One moment, please", "language": "en-US"},
    "CallRecordingStart": {"format": "wav", "end_of_key": "#", "duration": 600},
    "GroupcallOrder": {
        "source": _SOURCE,
        "destinations": [
            {"type": "extension", "target_name": "2001"},
            {"type": "sip", "target": "bob@192.0.2.7:5060"},
        ],
        "actions": _ACTIONS,
        "ring_method": "ring_all",
    },
    "ConferenceStart": {"type": "conference", "name": "standup", "timeout": 3600},
    "ConferenceChange": {"name": "standup", "detail": "every day at nine"},
    "ConferenceRecordingStart": {"format": "wav", "duration": 3600},
    "ConferenceTranscribeStart": {"language": "en-US"},
    "SpeakingStart": {"reference_type": "call", "reference_id": _ID, "language": "en-US"},
    "Say": {"text": "How may I help you?"},
    "TranscribeStart": {"reference_type": "call", "reference_id": _ID, "language": "en-US", "direction": "both"},
    "TransferStart": {
        "transfer_type": "blind",
        "transferer_call_id": _ID,
        "transferee_addresses": [{"type": "extension", "target_name": "2001"}],
    },
    "QueueForm": {
        "name": "sales",
        "routing_method": "longest_idle",
        "tag_ids": [_ID],
        "wait_timeout": 300_000,
        "service_timeout": 0,
    },
    "FlowOrder": {"name": "quality assurance", "detail": "transcribes the call", "actions": _ACTIONS},
    "FlowChange": {"name": "quality assurance", "actions": _ACTIONS},
    "ActiveflowOrder": {"flow_id": _ID, "variables": {"customer_name": "Ann"}},
    "NumberOrder": {"number": "+15551234567", "name": "hotline", "call_flow_id": _ID},
    "NumberChange": {"name": "hotline", "call_flow_id": _ID},
    "FlowIdsChange": {"call_flow_id": _ID},
    "MetadataChange": {"rtp_debug": True},
    "Renewal": {"numbers": ["+15551234567"]},
    "ExtensionOrder": {"extension": "2001", "name": "desk of Ann", "password": "at-least-8-characters"},
    "ExtensionChange": {"name": "desk of Bob"},
    "TrunkOrder": {
        "name": "provider",
        "domain_name": "provider",
        "auth_types": ["ip"],
        "allowed_ips": ["192.0.2.0/24"],
        "hostname": "sip.example.com:5060",
    },
    "TrunkChange": {"hostname": "sip.example.com:5060", "register": True, "username": "4711", "password": "secret"},
    "OutboundConfigChange": {"destination_whitelist": ["us", "kr"]},
}
"""Name of the body's model -> the example."""
