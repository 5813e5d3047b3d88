"""The root of the error tree: what every failure in Callscribe is, and the few kinds that all packages share."""

from typing import ClassVar


class CallscribeError(Exception):
    """A failure with a stable code, whether trying again can help, and details that name the field or object."""

    code: ClassVar[str] = "INTERNAL"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidArgument(CallscribeError):
    """A value from outside is wrong; `field` names where, the message says what was expected."""

    code = "INVALID_ARGUMENT"

    def __init__(self, field: str, message: str, **details: object) -> None:
        super().__init__(f"{field}: {message}", field=field, **details)
        self.field = field


class NotFound(CallscribeError):
    """No such resource for this customer; `resource` is its word in the API (`call`, `transcribe`)."""

    code = "NOT_FOUND"

    def __init__(self, resource: str, resource_id: str) -> None:
        super().__init__(f"there is no {resource} with the id {resource_id}", resource=resource, id=resource_id)
        self.resource = resource


class PermissionDenied(CallscribeError):
    """The resource exists but belongs to another customer, or the role does not allow it."""

    code = "PERMISSION_DENIED"


class StateInvalid(CallscribeError):
    """The resource is in a state that does not allow this."""

    code = "STATE_INVALID"


class CallAlreadyHangup(StateInvalid):
    """The call has ended, or ends just now."""

    code = "CALL_ALREADY_HANGUP"


class RecordingAlreadyActive(StateInvalid):
    """The call or conference is being recorded already."""

    code = "RECORDING_ALREADY_ACTIVE"


class RecordingNotActive(StateInvalid):
    """The call or conference is not being recorded."""

    code = "RECORDING_NOT_ACTIVE"


class AlreadyExists(StateInvalid):
    """Something with this id, name or number is there already."""

    code = "ALREADY_EXISTS"


class TranscribeAlreadyProgressing(StateInvalid):
    """The same customer already has a live transcribe of this reference in this language."""

    code = "TRANSCRIBE_ALREADY_PROGRESSING"


class LanguageNotInstalled(CallscribeError):
    """A valid language without an installed model; the message names the command that installs one."""

    code = "LANGUAGE_NOT_INSTALLED"

    def __init__(self, language: str) -> None:
        super().__init__(
            f"no speech model for {language} is installed; install one with: callscribe models install {language}",
            field="language",
            language=language,
        )


class LegGone(CallscribeError):
    """The party hung up while something was going on with its leg: a normal end, never logged as an error."""

    code = "LEG_GONE"


class Unavailable(CallscribeError):
    """A part that is needed (Asterisk, a model, ports) is not there now."""

    code = "UNAVAILABLE"
    retryable = True
    retry_after_seconds: int = 5
    """When a client should try again."""


class InvalidSetting(CallscribeError):
    """A setting is wrong; the message has the variable's name, the fault and what is expected."""

    code = "INVALID_SETTING"

    def __init__(self, variable: str, message: str) -> None:
        super().__init__(f"{variable}: {message}", variable=variable)
        self.variable = variable
