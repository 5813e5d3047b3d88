"""Language tags: BCP 47 (RFC 5646) as far as telephony needs it: language, optional script, optional region."""

import re
from dataclasses import dataclass

_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?")


@dataclass(frozen=True, slots=True)
class Language:
    """A canonical tag: `primary` lower case (`en`), `script` title case or empty, `region` upper case or empty."""

    primary: str
    script: str = ""
    region: str = ""

    @property
    def tag(self) -> str:
        """The canonical text form, e.g. `en-US`, `zh-Hans-CN`, `en`."""
        return "-".join(part for part in (self.primary, self.script, self.region) if part)

    def __str__(self) -> str:
        return self.tag


def parse_language(text: str) -> Language:
    """Read a tag in any case (`en-us` -> `en-US`); ValueError says what was expected when it is not one."""
    match = _TAG.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a BCP 47 language code; expected a code such as en-US or ko-KR")
    primary, script, region = match.groups()
    return Language(primary.lower(), (script or "").title(), (region or "").upper())
