"""The API's rate limits at the settings' rates."""

from app.api.rate_limits import Rate, RateLimits
from app.settings import Settings


def rate_limits_of(settings: Settings) -> RateLimits:
    """Return the contract's limits at the settings' rates; a burst is two seconds' worth."""

    def rate(per_second: float) -> Rate:
        return Rate(per_second, max(1, round(per_second * 2)))

    return RateLimits(
        auth_per_address=rate(settings.rate_limit_auth_per_ip),
        api_per_address=rate(settings.rate_limit_api_per_ip),
        per_customer=rate(settings.rate_limit_api_per_customer),
    )
