"""What the API needs from the rest of the application, which it does not know: one module a family of resources."""

from app.api.ports.calls import CallOrder, CallPort, GroupcallPort, PlacedCalls, SpeakingPort, TransferPort
from app.api.ports.conferences import ConferenceOrder, ConferencePort, QueuePort
from app.api.ports.context import ApiContext
from app.api.ports.flows import ActiveflowPort, FlowPort
from app.api.ports.program import HealthReport, LiveFeed, PhonePort, WebhookPort
from app.api.ports.sounds import MediaStreamPort, OfferedLanguage, RecordingPort, TranscribePort

__all__ = [
    "ActiveflowPort",
    "ApiContext",
    "CallOrder",
    "CallPort",
    "ConferenceOrder",
    "ConferencePort",
    "FlowPort",
    "GroupcallPort",
    "HealthReport",
    "LiveFeed",
    "MediaStreamPort",
    "OfferedLanguage",
    "PhonePort",
    "PlacedCalls",
    "QueuePort",
    "RecordingPort",
    "SpeakingPort",
    "TranscribePort",
    "TransferPort",
    "WebhookPort",
]
