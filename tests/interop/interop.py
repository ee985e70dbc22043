"""The official Python client against the emulator, without a change to either.

    python interop.py URL SCRIPTED_URL

URL is that of an emulator with the parrot, SCRIPTED_URL that of one with fixtures/scripts/tool_call_round.yaml, as
they print it: ws://127.0.0.1:PORT/v1/realtime. Each check prints a line; the first that fails ends the program.
"""

import asyncio
import base64
import sys
import wave
from pathlib import Path

from openai import AsyncOpenAI
from websockets.exceptions import ConnectionClosedError, InvalidStatus

RATE = 24_000
SPEECH = Path(__file__).parents[2] / "fixtures" / "audio" / "question.wav"
MODEL = "gpt-realtime"


def speech() -> bytes:
    """One turn of speech, with a second of silence after it."""
    with wave.open(str(SPEECH)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        return file.readframes(file.getnframes()) + bytes(RATE * 2)


def client(url: str, api_key: str = "x") -> AsyncOpenAI:
    websocket_base_url = url.removesuffix("/realtime")
    base_url = websocket_base_url.replace("ws://", "http://", 1)
    return AsyncOpenAI(api_key=api_key, base_url=base_url, websocket_base_url=websocket_base_url)


async def until(connection, last: str) -> list:
    """The events up to one of type `last`; an error among them is a failure."""
    events = []
    while True:
        event = await asyncio.wait_for(connection.recv(), 20)
        assert event.type != "error", event
        events.append(event)
        if event.type == last:
            return events


def of(events: list, kind: str) -> list:
    return [event for event in events if event.type == kind]


def one(events: list, kind: str):
    found = of(events, kind)
    assert len(found) == 1, (kind, [event.type for event in events])
    return found[0]


def joined_audio(events: list) -> bytes:
    return b"".join(base64.b64decode(event.delta) for event in of(events, "response.output_audio.delta"))


async def text_turn(url: str) -> str:
    async with client(url).realtime.connect(model=MODEL) as connection:
        created = await connection.recv()
        assert created.type == "session.created" and created.session.model == MODEL, created
        await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
        updated = one(await until(connection, "session.updated"), "session.updated")
        assert updated.session.output_modalities == ["text"]
        await connection.conversation.item.create(
            item={
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "Hello, are you there?"}],
            }
        )
        await connection.response.create()
        events = await until(connection, "response.done")
        text = "".join(event.delta for event in of(events, "response.output_text.delta"))
        assert text == "Hello, are you there?" == one(events, "response.output_text.done").text
        response = events[-1].response
        assert response.status == "completed" and response.output[0].content[0].text == text
        assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens
        return f"{len(events)} events, {response.usage.total_tokens} tokens"


async def audio_turn(url: str) -> str:
    audio = speech()
    async with client(url).realtime.connect(model=MODEL) as connection:
        await until(connection, "session.created")
        await connection.session.update(
            session={
                "type": "realtime",
                "audio": {
                    "input": {
                        "transcription": {"model": "gpt-4o-transcribe"},
                        "turn_detection": {"type": "server_vad", "silence_duration_ms": 500},
                    }
                },
            }
        )
        await until(connection, "session.updated")
        for start in range(0, len(audio), 4800):
            await connection.input_audio_buffer.append(audio=base64.b64encode(audio[start : start + 4800]).decode())
        events = await until(connection, "response.done")
        started = one(events, "input_audio_buffer.speech_started")
        stopped = one(events, "input_audio_buffer.speech_stopped")
        committed = one(events, "input_audio_buffer.committed")
        assert started.item_id == stopped.item_id == committed.item_id
        heard = one(events, "conversation.item.input_audio_transcription.completed")
        assert heard.item_id == committed.item_id and heard.transcript
        said = one(events, "response.output_audio_transcript.done").transcript
        assert said == heard.transcript
        turn = audio[started.audio_start_ms * 48 : stopped.audio_end_ms * 48]
        assert joined_audio(events) == turn, "the parrot gives back every sample of the turn"

        await connection.conversation.item.retrieve(item_id=committed.item_id)
        retrieved = one(await until(connection, "conversation.item.retrieved"), "conversation.item.retrieved")
        assert base64.b64decode(retrieved.item.content[0].audio) == turn

        reply = events[-1].response.output[0].id
        await connection.conversation.item.truncate(item_id=reply, content_index=0, audio_end_ms=200)
        truncated = one(await until(connection, "conversation.item.truncated"), "conversation.item.truncated")
        assert truncated.audio_end_ms == 200
        return f"heard {started.audio_start_ms}-{stopped.audio_end_ms} ms, {len(turn) // 2} samples came back"


async def manual_commit(url: str) -> str:
    audio = speech()
    async with client(url).realtime.connect(model=MODEL) as connection:
        await until(connection, "session.created")
        await connection.session.update(
            session={"type": "realtime", "audio": {"input": {"turn_detection": None}}}
        )
        updated = one(await until(connection, "session.updated"), "session.updated")
        assert updated.session.audio.input.turn_detection is None
        await connection.input_audio_buffer.append(audio=base64.b64encode(audio).decode())
        await connection.input_audio_buffer.commit()
        events = await until(connection, "conversation.item.done")
        assert [event.type for event in events] == [
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
        ]
        await connection.response.create()
        events = await until(connection, "response.done")
        assert joined_audio(events) == audio
        return f"{len(audio) // 2} samples came back"


async def tool_round(url: str) -> str:
    async with client(url).realtime.connect(model=MODEL) as connection:
        await until(connection, "session.created")
        await connection.session.update(
            session={
                "type": "realtime",
                "output_modalities": ["text"],
                "tools": [
                    {
                        "type": "function",
                        "name": "get_weather",
                        "description": "Look up the weather for a city.",
                        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
                    }
                ],
            }
        )
        await until(connection, "session.updated")
        await connection.conversation.item.create(
            item={
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "What is the weather in London?"}],
            }
        )
        await connection.response.create()
        events = await until(connection, "response.done")
        call = one(events, "response.function_call_arguments.done")
        assert call.name == "get_weather" and '"London"' in call.arguments
        item = events[-1].response.output[0]
        assert item.type == "function_call" and item.call_id == call.call_id
        await connection.conversation.item.create(
            item={"type": "function_call_output", "call_id": call.call_id, "output": "Fog, 12 degrees."}
        )
        await connection.response.create()
        events = await until(connection, "response.done")
        return one(events, "response.output_text.done").text


async def bad_key(url: str) -> str:
    async with client(url, api_key="bad").realtime.connect(model=MODEL) as connection:
        event = await connection.recv()
        assert event.type == "error" and event.error.code == "invalid_api_key", event
        try:
            await connection.recv()
        except ConnectionClosedError as closed:
            assert closed.rcvd.code == 3000 and closed.rcvd.reason == "invalid_request_error.invalid_api_key"
            return f"close {closed.rcvd.code}"
        raise AssertionError("the connection is still open")


async def ephemeral_key(url: str) -> str:
    session = {"type": "realtime", "model": MODEL, "instructions": "Of the key."}
    secret = await client(url).realtime.client_secrets.create(
        expires_after={"anchor": "created_at", "seconds": 60}, session=session
    )
    assert secret.value.startswith("ek_") and secret.session.instructions == "Of the key.", secret
    async with client(url, api_key=secret.value).realtime.connect(model=MODEL) as connection:
        created = await connection.recv()
        assert created.session.instructions == "Of the key.", created
    return f"{secret.session.type}, good until {secret.expires_at}"


async def call(url: str) -> str:
    calls = client(url).realtime.calls
    answer = await calls.create(sdp="v=0\r\ns=-\r\n", session={"type": "realtime", "model": MODEL})
    assert answer.response.status_code == 201 and answer.text.startswith("v=0")
    call_id = answer.response.headers["location"].rpartition("/")[2]
    async with client(url).realtime.connect(call_id=call_id) as connection:
        assert (await connection.recv()).type == "session.created"
    await calls.refer(call_id, target_uri="tel:+14155550123")
    await calls.hangup(call_id)
    return call_id[:4] + "..."


async def transcription(url: str) -> str:
    async with client(url).realtime.connect(extra_query={"intent": "transcription"}) as connection:
        created = await connection.recv()
        assert created.session.type == "transcription", created
        await connection.session.update(
            session={
                "type": "transcription",
                "audio": {"input": {"transcription": {"model": "whisper-1"}, "turn_detection": None}},
            }
        )
        await until(connection, "session.updated")
        await connection.input_audio_buffer.append(audio=base64.b64encode(speech()).decode())
        await connection.input_audio_buffer.commit()
        last = "conversation.item.input_audio_transcription.completed"
        heard = (await until(connection, last))[-1]
        assert heard.usage.type == "duration"
        return heard.transcript


async def azure(url: str) -> str:
    url = url.replace("/v1/realtime", "/openai/v1/realtime")
    async with client(url).realtime.connect(model=MODEL) as connection:
        assert (await connection.recv()).session.type == "realtime"
    try:
        async with client(url, api_key="bad").realtime.connect(model=MODEL) as connection:
            raise AssertionError("a bad key was let in")
    except InvalidStatus as refused:
        assert refused.response.status_code == 401
        return f"a bad key is a {refused.response.status_code}"


async def main(url: str, scripted: str) -> None:
    for check, target in [
        (text_turn, url),
        (audio_turn, url),
        (manual_commit, url),
        (tool_round, scripted),
        (bad_key, url),
        (ephemeral_key, url),
        (call, url),
        (transcription, url),
        (azure, url),
    ]:
        print(f"{check.__name__}: ok, {await check(target)}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1], sys.argv[2]))
