// An apparatus in 60 lines: keeps a card of each plug that is coupled, in a folder.
//
//     npx tsx hello-apparatus.ts 8080 /tmp/cards     (Node 22.18 and later run it by themselves)
import { createServer, IncomingMessage, ServerResponse } from "node:http";
import { mkdirSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";

const [port, cards] = [Number(process.argv[2]), process.argv[3]];
const events = ["config", "created", "coupled", "updated", "decoupled", "deleted"];

interface Body {
  plug?: { metadata?: { name: string; uid: string } };
  plugConfig?: Record<string, string>;
}

class Refused extends Error {
  constructor(readonly status: number, message: string) { super(message); }
}

// What to answer to an event; whatever is done here can be done twice.
async function handle(event: string, body: Body): Promise<object> {
  if (event === "created" || event === "deleted") return {};
  const metadata = body?.plug?.metadata;
  if (!metadata) throw new Refused(400, "no plug in the body");
  const card = `${cards}/${metadata.uid}.json`;
  if (event === "coupled" || event === "updated") {
    const draft = `${card}.${randomUUID()}`;
    await writeFile(draft, JSON.stringify({ plug: metadata.name, config: body.plugConfig }));
    await rename(draft, card); // there is a whole card, or none
  } else if (event === "decoupled") {
    await rm(card, { force: true });
  }
  return event === "config" ? { greeting: `hello ${metadata.name}` } : {};
}

async function answer(request: IncomingMessage): Promise<object> {
  if (request.url === "/ping") return {};
  const event = (request.url ?? "").slice(1);
  if (request.method !== "POST" || !events.includes(event)) throw new Refused(404, `there is no event ${event}`);
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) {
    text += chunk;
    if (text.length > 1 << 20) throw new Refused(413, "more than 1 MiB");
  }
  return handle(event, JSON.parse(text));
}

mkdirSync(cards, { recursive: true });
createServer(async (request: IncomingMessage, response: ServerResponse) => {
  const reply = (status: number, body: object) =>
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  try {
    reply(200, await answer(request));
  } catch (error) {
    const status = error instanceof Refused ? error.status : error instanceof SyntaxError ? 400 : 500;
    reply(status, { error: (error as Error).message });
  }
}).listen(port);
