"""CPU time per message of the Python client: receives and sends bursts. See run.sh."""

import asyncio
import base64
import random
import statistics
import sys
import time

import openai

MS, MESSAGES, ROUNDS = (int(argument) for argument in sys.argv[2:5])


async def receive(connection) -> int:
    await connection.response.create()
    total = 0
    for _ in range(MESSAGES):
        event = await connection.recv()
        assert event.type == "response.output_audio.delta", event.type
        total += len(base64.b64decode(event.delta))
    return total


async def send(connection, pieces: list[bytes]) -> None:
    for n in range(MESSAGES):
        audio = base64.b64encode(pieces[n % len(pieces)]).decode("ascii")
        await connection.input_audio_buffer.append(audio=audio)
    await connection.input_audio_buffer.commit()
    event = await connection.recv()
    assert event.type == "input_audio_buffer.committed", event.type


async def main() -> None:
    client = openai.AsyncOpenAI(api_key="none", base_url=f"http://127.0.0.1:{sys.argv[1]}/v1",
                                websocket_base_url=f"ws://127.0.0.1:{sys.argv[1]}/v1")
    noise = random.Random(1)
    pieces = [noise.randbytes(MS * 48) for _ in range(8)]
    received, sent = [], []
    async with client.realtime.connect(model="gpt-realtime") as connection:
        assert (await connection.recv()).type == "session.created"
        for _ in range(ROUNDS + 1):
            start = time.process_time()
            total = await receive(connection)
            middle = time.process_time()
            assert total == MESSAGES * MS * 48, total
            await send(connection, pieces)
            end = time.process_time()
            received.append((middle - start) * 1e6 / MESSAGES)
            sent.append((end - middle) * 1e6 / MESSAGES)
    # The first round is for warming up.
    print(f"{statistics.median(received[1:]):.1f} | {statistics.median(sent[1:]):.1f}")


asyncio.run(main())
