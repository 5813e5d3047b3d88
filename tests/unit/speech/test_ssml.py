"""Prompt texts, plain and SSML, into words and pauses."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import InvalidArgument
from app.speech.spoken_text import Silence, Text, clean_text, expand_say_as
from app.speech.ssml import MAX_CHARACTERS, parse_prompt


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello there", "Hello there"),
        ("  two\n lines\t", "two lines"),
        ("Smith & Sons, 3 < 4", "Smith & Sons, 3 < 4"),
        ("<b>not SSML</b>", "<b>not SSML</b>"),
        ("<speaker> is a word", "<speaker> is a word"),
        ("say [[h@'loU]] now", "say h@'loU now"),
        ("nul\0 and \ud800 surrogate", "nul and surrogate"),
        ("안녕하세요", "안녕하세요"),
    ],
)
def test_plain_text_is_taken_as_it_is(text: str, words: str) -> None:
    assert parse_prompt(text) == (Text(words),)


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ("Hello &amp; welcome", (Text("Hello & welcome"),)),
        ("a<break time='500ms'/>b", (Text("a"), Silence(0.5), Text("b"))),
        ("a<break time='1s'/><break time='.5s'/>b", (Text("a"), Silence(1.5), Text("b"))),
        ("a<break/>b", (Text("a"), Silence(0.4), Text("b"))),
        ("a<break strength='x-strong'/>b", (Text("a"), Silence(1.0), Text("b"))),
        ("a<break strength='none'/>b<break time='0ms'/>c", (Text("a b c"),)),
        ("<break time='200ms'/>", (Silence(0.2),)),
        ("<p><s>One.</s><s>Two.</s></p><p>Three.</p>",
         (Text("One."), Silence(0.25), Text("Two."), Silence(0.5), Text("Three."))),
        ("<p>One.</p><break time='1s'/><p>Two.</p>", (Text("One."), Silence(1.0), Text("Two."))),
        ("Code <say-as interpret-as='digits'>42 7</say-as> please", (Text("Code 4, 2, 7 please"),)),
        ("<say-as interpret-as='characters'>ab1</say-as>", (Text("A, B, 1"),)),
        ("<say-as interpret-as='telephone'>+1 555-0123</say-as>", (Text("+ 1, 5 5 5, 0 1 2 3"),)),
        ("<say-as interpret-as='cardinal'>1234</say-as>", (Text("1234"),)),
        ("<sub alias='World Wide Web'>WWW</sub> ok", (Text("World Wide Web ok"),)),
        ("<prosody rate='slow'>Slow</prosody> <voice name='x'>v</voice> <emphasis>e</emphasis>", (Text("Slow v e"),)),
        ("<amazon:effect name='whispered'>psst</amazon:effect>", (Text("psst"),)),
        ("<metadata>secret</metadata>Hi<mark name='m'/>", (Text("Hi"),)),
        ("<![CDATA[1 < 2]]>", (Text("1 < 2"),)),
    ],
)  # fmt: skip
def test_ssml_becomes_words_and_pauses(body: str, parts: tuple[object, ...]) -> None:
    assert parse_prompt(f"<speak>{body}</speak>") == parts


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff <speak version='1.1' xmlns='http://www.w3.org/2001/10/synthesis' xml:lang='en-US'>Hi</speak>",
        "<?xml version='1.0' encoding='UTF-16'?>\n<!-- a --><!-- b -->\n<speak>Hi</speak>\n",
        "<speak\n>Hi</speak>",
    ],
)
def test_ssml_is_known_by_its_first_element(text: str) -> None:
    assert parse_prompt(text) == (Text("Hi"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "text: is empty"),
        (" \n ", "text: is empty"),
        ("[[ ]]", "text: is empty"),
        ("<speak/>", "without words"),
        ("<speak>Hello", "line 1, column 13"),
        ("<speak>a</speak>\n<speak>", "line 2, column 1"),
        ("<speak>a\n <b>b</speak>", "line 2, column 2: there is no SSML element <b>"),
        ("<speak>a & b</speak>", "line 1, column 11"),
        ("<speak>\n<break time='5'/></speak>", "line 2, column 1: <break> has a wrong time"),
        ("<speak><break strength='big'/></speak>", "wrong time or strength"),
        ("<speak><break time='11s'/></speak>", "longer than 10 s"),
        ("<speak>" + "<break time='10s'/>" * 7 + "</speak>", "more than 60 s of pauses"),
        ("<speak><say-as>1</say-as></speak>", "<say-as> has no interpret-as"),
        ("<speak><sub>1</sub></speak>", "<sub> has no alias"),
        ("<speak><say-as interpret-as='digits'><break/></say-as></speak>", "inside <say-as>"),
        ("<speak><speak>a</speak></speak>", "not the outermost"),
        ("<!DOCTYPE speak [<!ENTITY a 'b'>]><speak>&a;</speak>", "DOCTYPE"),
        ("<speak>\ud800</speak>", "malformed SSML"),
        ("x" * (MAX_CHARACTERS + 1), "at most 5000"),
    ],
)
def test_a_wrong_text_is_an_error_that_says_where(text: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        parse_prompt(text)
    assert raised.value.field == "text"
    assert message in raised.value.message


def test_many_comments_before_speak_are_read_in_linear_time() -> None:
    with pytest.raises(InvalidArgument):
        parse_prompt("<speak>" + "<!-- -->" * 500)
    assert parse_prompt("<!-- -->" * 500 + "x") == (Text("<!-- -->" * 500 + "x"),)


_FRAGMENTS = st.lists(
    st.sampled_from(
        ["<speak>", "</speak>", "<p>", "</p>", "<s>", "</s>", "<break/>", "<break time='", "1s", "'/>", "<say-as ",
         "interpret-as='digits'>", "</say-as>", "<sub alias='x'>", "</sub>", "&amp;", "&", "<", "]]>", "<!--", "-->",
         "<?xml?>", "word", " ", "1", "[[", "\0", "\ud800", "<a:b>", "</a:b>"]
    )
).map("".join)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.text() | _FRAGMENTS | _FRAGMENTS.map(lambda inside: f"<speak>{inside}</speak>"))
def test_any_text_gives_parts_or_invalid_argument(text: str) -> None:
    try:
        parts = parse_prompt(text)
    except InvalidArgument:
        return
    assert parts
    for part in parts:
        if isinstance(part, Text):
            assert part.text == clean_text(part.text) != ""
            assert "[[" not in part.text
        else:
            assert 0 < part.seconds <= 60


@given(st.text(), st.sampled_from(["digits", "characters", "telephone", "date", ""]))
def test_say_as_never_fails(text: str, interpret_as: str) -> None:
    assert expand_say_as(text, interpret_as) or not text.strip()
