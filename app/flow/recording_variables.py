"""The variables that tell a flow of a recording (contract 8.2)."""

from app.domain.recording import Recording


def recording_variables(recording: Recording) -> dict[str, str]:
    """Return the `voipbin.recording.*` variables; `filenames` are separated by commas."""
    return {
        "voipbin.recording.id": recording.id,
        "voipbin.recording.reference_type": recording.reference_type.value,
        "voipbin.recording.reference_id": recording.reference_id,
        "voipbin.recording.format": recording.format,
        "voipbin.recording.recording_name": f"{recording.reference_type.value}_{recording.id}",
        "voipbin.recording.filenames": ",".join(recording.filenames),
    }
