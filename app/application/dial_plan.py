"""Which country a telephone number is in: what the whitelist of an outbound config is compared with."""

import phonenumbers


def country_of(number: str) -> str | None:
    """Return the country (ISO 3166, two lower-case letters) of an E.164 number, None when it is in none.

    A number that its numbering plan has not (`+1555…`) counts as one of the main country of its calling code. Shared
    codes without a country (satellites, +800) and codes that nobody has (+999, our own +899) are in none.
    """
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
    code = parsed.country_code or 0
    region = phonenumbers.region_code_for_number(parsed) or phonenumbers.region_code_for_country_code(code)
    return region.lower() if region in phonenumbers.SUPPORTED_REGIONS else None
