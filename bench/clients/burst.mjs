// CPU time per message of the Node client: receives and sends bursts. See run.sh.

import assert from "node:assert";
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";

const [port, ms, messages, rounds] = process.argv.slice(2).map(Number);

const client = new OpenAI({ apiKey: "none", baseURL: `http://127.0.0.1:${port}/v1` });
// It wants wss: here it gets a socket without TLS under it.
const createConnection = ({ host, port }) => connect({ host, port });
const realtime = new OpenAIRealtimeWS({ model: "gpt-realtime", options: { createConnection } }, client);
realtime.on("error", (error) => {
  console.error(error);
  process.exit(1);
});
const once = (type) => new Promise((resolve) => realtime.once(type, resolve));

let bytes = 0;
let count = 0;
let done = () => {};
realtime.on("response.output_audio.delta", (event) => {
  bytes += Buffer.from(event.delta, "base64").length;
  count += 1;
  if (count === messages) done();
});

async function receive() {
  [bytes, count] = [0, 0];
  const all = new Promise((resolve) => (done = resolve));
  realtime.send({ type: "response.create" });
  await all;
  assert.equal(bytes, messages * ms * 48);
}

async function send(pieces) {
  const committed = once("input_audio_buffer.committed");
  for (let n = 0; n < messages; n += 1) {
    const audio = pieces[n % pieces.length].toString("base64");
    realtime.send({ type: "input_audio_buffer.append", audio });
  }
  realtime.send({ type: "input_audio_buffer.commit" });
  await committed;
}

const cpu = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};
const median = (samples) => samples.sort((a, b) => a - b)[samples.length >> 1];

await once("session.created");
const pieces = Array.from({ length: 8 }, () => randomBytes(ms * 48));
const [received, sent] = [[], []];
for (let round = 0; round <= rounds; round += 1) {
  const start = cpu();
  await receive();
  const middle = cpu();
  await send(pieces);
  const end = cpu();
  // The first round is for warming up.
  if (round > 0) {
    received.push((middle - start) / messages);
    sent.push((end - middle) / messages);
  }
}
console.log(`${median(received).toFixed(1)} | ${median(sent).toFixed(1)}`);
process.exit(0);
