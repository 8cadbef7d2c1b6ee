// Asks a gateway by OpenAI's own client, and prints as JSON what it understood.
import OpenAI from "openai";

const [baseURL, apiKey, model, text] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: text }];

async function refused(asked) {
  try {
    await client.chat.completions.create({ model, messages, ...asked });
  } catch (error) {
    const { status, param, type } = error;
    return { kind: error.constructor.name, status, param, type, id: Boolean(error.requestID) };
  }
  return null;
}

async function parts() {
  const chunks = [];
  const asked = { model, messages, stream: true, stream_options: { include_usage: true } };
  for await (const chunk of await client.chat.completions.create(asked)) chunks.push(chunk);
  return {
    words: chunks.map((chunk) => chunk.choices[0]?.delta.content).filter(Boolean),
    finish: chunks.flatMap((chunk) => chunk.choices).at(-1).finish_reason,
    parley: chunks.flatMap((chunk) => chunk.choices).at(-1).parley,
    tokens: chunks.at(-1).usage.completion_tokens,
  };
}

async function left() {
  const stream = await client.chat.completions.create({ model, messages, stream: true });
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta.content) {
      stream.controller.abort();
      break;
    }
  }
  return stream.controller.signal.aborted;
}

async function models() {
  const names = [];
  for await (const each of client.models.list()) names.push(each.id);
  return names;
}

const whole = await client.chat.completions.create({ model, messages });
const helped = client.chat.completions.stream({ model, messages });
console.log(
  JSON.stringify({
    models: await models(),
    whole: { text: whole.choices[0].message.content, parley: whole.choices[0].parley },
    usage: whole.usage,
    parts: await parts(),
    helped: await helped.finalContent(),
    left: await left(),
    refused: {
      tools: await refused({ tools: [{ type: "function", function: { name: "f" } }] }),
      model: await refused({ model: "gpt-4" }),
    },
  }),
);
