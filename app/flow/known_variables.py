"""The names of variables that this version of Callscribe sets by itself (contract 8.2): what tells a typing error."""

_ADDRESS = ("name", "detail", "target", "target_name", "type")

_GROUPS: dict[str, tuple[str, ...]] = {
    "voipbin.activeflow.": (
        *("id", "reference_type", "reference_id", "reference_activeflow_id", "flow_id", "complete_count"),
    ),
    "voipbin.call.": (
        *("id", "direction", "master_call_id", "digits", "amd"),
        *("speech", "speech_confidence", "speech_text", "speech_status"),
        *(f"{party}.{name}" for party in ("source", "destination") for name in _ADDRESS),
    ),
    "voipbin.recording.": ("id", "reference_type", "reference_id", "format", "recording_name", "filenames"),
    "voipbin.transcribe.": ("id", "language", "direction", "text"),
    "voipbin.connect.": ("status", "reason", "call_id"),
    "voipbin.webhook.": ("status",),
    "voipbin.ai_task.": ("content",),
    "voipbin.queue.": ("id", "name", "detail"),
    "voipbin.queuecall.": ("id", "timeout_wait", "timeout_service", "status", "reason", "agent_id"),
}

KNOWN_VARIABLES = frozenset(f"{group}{name}" for group, names in _GROUPS.items() for name in names) | {
    "contact_case_id"
}

OPEN_GROUPS = (
    "voipbin.conversation.",
    "voipbin.conversation_message.",
    "voipbin.aicall.",
    "voipbin.ai_summary.",
    "voipbin.tts.",
    "voipbin.flow.reference_data",
)
"""Groups whose names depend on what the flow runs for."""


def is_known_variable(name: str) -> bool:
    """Tell whether a variable of this name may have a value without any action that sets it by an option."""
    return name in KNOWN_VARIABLES or name.startswith(OPEN_GROUPS)
