"""What flows reach outside the telephone network, as the settings have it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.application.api_flows import ApiFlows
from app.application.errands import Errands
from app.application.flow_ai import FlowAi, completions_url
from app.application.flow_directory import StoredFlows
from app.application.flow_http import FlowHttp, HttpLimits, open_flow_http
from app.application.flow_lines import StoredLines
from app.application.flow_mail import FindFile, FlowMail
from app.application.flow_messages import FlowMessages
from app.application.flow_runner import Execution, FlowRunner
from app.application.json_endpoint import FlowCrm, JsonEndpoint
from app.application.mail_server import read_mail_server
from app.ari.ari import Ari
from app.delivery.webhook_networks import WebhookNetworks, read_webhook_networks
from app.flow.action_registry import ActionRegistry
from app.flow.reach import Reach
from app.settings import Settings
from app.store.store import Store

ENDPOINT_LIMITS = HttpLimits(total_seconds=30.0, max_redirects=0)
"""Of the operator's own endpoints. No redirects: the key must go nowhere else."""


class FlowFollows:
    """Starts flows that follow an action (FollowControl)."""

    def __init__(self) -> None:
        self.runner: FlowRunner | None = None
        """Set once flows can run."""

    async def follow(self, flow_id: str, customer_id: str, activeflow_id: str, variables: Mapping[str, str]) -> None:
        """Start a flow with these variables; one that cannot be started is logged."""
        if self.runner is not None:
            count = int(variables.get("voipbin.activeflow.complete_count") or 0) + 1
            execution = Execution(
                customer_id,
                "activeflow",
                activeflow_id,
                # Those of its own execution are set anew.
                system={name: each for name, each in variables.items() if not name.startswith("voipbin.activeflow.")},
                parent_id=activeflow_id,
                complete_count=count,
            )
            await self.runner.follow(flow_id, execution)


@dataclass(frozen=True, slots=True)
class OpenReach:
    """What `open_flow_reach` yields: the ports; `errands` has to run, `follows` gets the runner."""

    ports: Reach
    errands: Errands
    follows: FlowFollows


@asynccontextmanager
async def open_flow_reach(
    settings: Settings, store: Store, ari: Ari, flows: ApiFlows, registry: ActionRegistry, find_file: FindFile
) -> AsyncIterator[OpenReach]:
    """Yield what is configured. InvalidSetting names the setting that is wrong."""
    server = read_mail_server(settings.smtp_url, settings.mail_from)
    errands, follows = Errands(), FlowFollows()
    async with (
        open_flow_http(read_webhook_networks(settings.webhook_networks)) as http,
        # The operator has named these addresses, so they may be anywhere.
        open_flow_http(WebhookNetworks(is_any=True), ENDPOINT_LIMITS) as own_http,
    ):
        sms = _open_endpoint(own_http, settings.sms_url, settings.sms_key, "CALLSCRIBE_SMS_URL")
        ai_url = completions_url(settings.ai_url) if settings.ai_url else ""
        ai = _open_endpoint(own_http, ai_url, settings.ai_key, "CALLSCRIBE_AI_URL")
        crm = _open_endpoint(own_http, settings.crm_url, settings.crm_key, "CALLSCRIBE_CRM_URL")
        ports = Reach(
            http=http,
            errands=errands,
            flows=StoredFlows(flows, registry),
            mail=None if server is None else FlowMail(server, store, find_file),
            messages=FlowMessages(ari, store, sms, sip_host=settings.sip_host),
            lines=StoredLines(store),
            ai=None if ai is None else FlowAi(ai, settings.ai_model),
            crm=None if crm is None else FlowCrm(crm),
            follow=follows,
        )
        yield OpenReach(ports, errands, follows)


def _open_endpoint(http: FlowHttp, url: str, key: str, setting: str) -> JsonEndpoint | None:
    return JsonEndpoint(http, url, key, setting=setting) if url else None
