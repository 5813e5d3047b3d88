"""SIPp scenarios of our own: a caller that plays its side, and a callee that answers and plays the other.

Which conversation a call plays stands in the caller's name, `s{script}x{anything}`: it is the user of From, which the
flow's `connect` passes on, so that the callee plays the other side of the same conversation and both logs and
our API (`source.target`) name the call alike. One log line is written for each moment: `WORD NAME TIMESTAMP`, by
SIPp's `[timestamp]`, whose last field is wall time in seconds with microseconds. WORD is `calling`, `answered`,
`playing` (the first packet leaves right after it) or `leaving`.
"""

from typing import Final

_SDP: Final = """v=0
o=load 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [auto_media_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
"""

_CALLER_HEADERS: Final = """Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:[field0]@[local_ip]:[local_port]>;tag=[pid]c[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>{tag}
Call-ID: [call_id]
CSeq: {sequence}
Contact: <sip:[field0]@[local_ip]:[local_port]>
Max-Forwards: 70
"""

_ANSWER: Final = """SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]{tag}
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:callee@[local_ip]:[local_port]>
"""


def caller_scenario(scripts: int, *, is_left: bool = False) -> str:
    """Call `[service]`, play, hang up after the milliseconds in field 2 of the injection file; its field 1 is unused.

    `scripts` is how many `caller{n}.pcap` there are, 0 = a caller that sends no sound. `is_left`: wait for the other
    side's BYE instead and hang up only if it does not come in the 600 s that a call here lasts at most.
    """
    parts = [
        _log("calling", "[field0]"),
        _send(_caller_request("INVITE", "1 INVITE", "", _SDP), 'retrans="500" start_rtd="1"'),
        *(f'  <recv response="{status}" optional="true"/>' for status in (100, 180, 183)),
        '  <recv response="200" rtd="1" rrs="true"/>',
        _send(_caller_request("ACK", "1 ACK", "[peer_tag_param]")),
        _log("answered", "[field0]"),
        '  <nop><action><assignstr assign_to="name" value="[field0]"/></action></nop>',
        *_play("caller", scripts),
    ]
    if is_left:
        parts += ['  <recv request="BYE" timeout="600000" ontimeout="leave"/>', _send(_ANSWER.format(tag="") + _EMPTY)]
        parts += ['  <nop next="end"/>', '  <label id="leave"/>']
    else:
        parts += [
            '  <nop><action><assignstr assign_to="stay" value="[field2]"/>'
            '<todouble assign_to="stayms" variable="stay"/></action></nop>',
            '  <pause variable="stayms"/>',
        ]
    parts += [
        _log("leaving", "[field0]"),
        _send(_caller_request("BYE", "2 BYE", "[peer_tag_param]"), 'retrans="500"'),
        '  <recv response="200"/>',
        '  <label id="end"/>',
        '  <nop><action><assignstr assign_to="done" value="yes"/></action></nop>',
    ]
    names = ["name", "done"] if is_left else ["name", "done", "stay", "stayms"]
    return _scenario("caller", parts, names, scripts)


def callee_scenario(scripts: int, *, shortest_ms: int = 0, longest_ms: int = 0) -> str:
    """Answer, play the other side of the caller's conversation, wait for BYE.

    With `longest_ms`: hang up after a random time from `shortest_ms` on instead.
    """
    parts = [
        '  <recv request="INVITE" rrs="true"><action><ereg regexp="s[0-9]+x[0-9a-z]+" search_in="hdr" header="From:"'
        ' check_it="true" assign_to="name"/><ereg regexp=".*" search_in="hdr" header="From:" assign_to="to"/></action>'
        "</recv>",
        _send(_ANSWER.format(tag=";tag=[pid]e[call_number]") + _with_sdp(), 'retrans="500"'),
        '  <recv request="ACK"/>',
        *_play("callee", scripts),
    ]
    if longest_ms:
        parts += [
            f'  <pause distribution="uniform" min="{shortest_ms}" max="{longest_ms}"/>',
            _log("leaving", "[$name]"),
            _send(_CALLEE_BYE, 'retrans="500"'),
            '  <recv response="200"/>',
        ]
    else:
        parts += ['  <recv request="BYE"/>', _send(_ANSWER.format(tag="") + _EMPTY)]
    return _scenario("callee", parts, ["name", "to"], scripts)


_EMPTY: Final = "Content-Length: 0\n\n"

_CALLEE_BYE: Final = """BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:callee@[local_ip]:[local_port]>;tag=[pid]e[call_number]
To:[$to]
Call-ID: [call_id]
CSeq: 1 BYE
Max-Forwards: 70
Content-Length: 0

"""


def _with_sdp() -> str:
    return "Content-Type: application/sdp\nContent-Length: [len]\n\n" + _SDP


def _caller_request(method: str, sequence: str, tag: str, sdp: str = "") -> str:
    headers = _CALLER_HEADERS.format(sequence=sequence, tag=tag)
    target = "sip:[service]@[remote_ip]:[remote_port]" if method == "INVITE" else "[next_url]"
    return f"{method} {target} SIP/2.0\n{headers}" + (_with_sdp() if sdp else _EMPTY)


def _send(message: str, attributes: str = "") -> str:
    return f"  <send {attributes}><![CDATA[\n{message}\n]]></send>"


def _log(word: str, name: str) -> str:
    return f'  <nop><action><log message="{word} {name} [timestamp]"/></action></nop>'


def _play(side: str, scripts: int) -> list[str]:
    """Jump to the playing of the script that stands in the name."""
    if not scripts:
        return []
    checks = "".join(
        f'<ereg regexp="^s{n}x" search_in="var" variable="name" assign_to="is{n}"/>' for n in range(scripts)
    )
    parts = [f"  <nop><action>{checks}</action></nop>"]
    parts += [f'  <nop next="play{n}" test="is{n}"/>' for n in range(scripts)]
    for n in range(scripts):
        parts += [
            f'  <label id="play{n}"/>',
            f'  <nop next="played"><action><log message="playing [$name] [timestamp]"/>'
            f'<exec play_pcap_audio="{side}{n}.pcap"/></action></nop>',
        ]
    return [*parts, '  <label id="played"/>']


def _scenario(title: str, parts: list[str], names: list[str], scripts: int) -> str:
    used = ",".join([*names, *(f"is{n}" for n in range(scripts))])
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<scenario name="{title}">', *parts]
    return "\n".join([*lines, f'  <Reference variables="{used}"/>', "</scenario>", ""])
