#!/usr/bin/env node
// Stands in for openclaw and for its gateway: what modules/openclaw-node relies on, and no more. As the real one, `node run`
// starts itself a second time, and lives on in silence when its connection has dropped
// (https://github.com/openclaw/openclaw/issues/69800).
//   openclaw gateway PORT    SIGUSR1: all connections are dropped; SIGUSR2: all nodes are told to start anew
//   openclaw node run --host HOST --port PORT …
const net = require("net");
const { spawn } = require("child_process");

const args = process.argv.slice(2);
const after = (name) => args[args.indexOf(name) + 1];

function gateway(port) {
  const nodes = new Set();
  net.createServer((socket) => {
    nodes.add(socket);
    socket.on("error", () => {}).on("close", () => nodes.delete(socket));
    socket.on("data", (data) => console.log(`node: ${data}`));
  }).listen(port, "127.0.0.1");
  process.on("SIGUSR1", () => nodes.forEach((socket) => socket.destroy()));
  process.on("SIGUSR2", () => nodes.forEach((socket) => socket.write("restart")));
}

function node() {
  setInterval(() => {}, 1e6);
  if (!process.env.OPENCLAW_SECOND) {
    const env = { ...process.env, OPENCLAW_SECOND: "1" };
    spawn(process.execPath, process.argv.slice(1), { env, stdio: "inherit" }).on("exit", process.exit);
    return;
  }
  const socket = net.connect(Number(after("--port")), after("--host"));
  const token = process.env.OPENCLAW_GATEWAY_TOKEN ? "with a token" : "without a token";
  socket.on("connect", () => socket.write(JSON.stringify({ args, token })));
  socket.on("data", () => process.exit(0));
  socket.on("error", (error) => console.log(error.code));
}

if (args[0] === "gateway") gateway(Number(args[1]));
else node();
