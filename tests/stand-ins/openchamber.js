#!/usr/bin/env node
// Stands in for openchamber: what modules/openchamber relies on, and no more. From its sources: it leaves its process
// unless it is told --foreground, takes its password from the environment, does not start where its pid file names
// a process that lives, and ends with 143 after a SIGTERM.
const fs = require("fs"), http = require("http"), path = require("path");

const args = process.argv.slice(2), env = process.env;
const after = (name) => args[args.indexOf(name) + 1];
if (args[0] !== "serve" || !args.includes("--foreground")) process.exit(0);
const port = Number(after("--port")), host = after("--host");
const run = path.join(env.HOME, ".config/openchamber/run"), pidFile = path.join(run, `openchamber-${port}.pid`);
fs.mkdirSync(run, { recursive: true });
try {
  process.kill(Number(fs.readFileSync(pidFile, "utf8")), 0);
  console.error(`OpenChamber is already running on port ${port}`);
  process.exit(1);
} catch (error) {
  if (!["ENOENT", "ESRCH"].includes(error.code)) throw error;
}
fs.writeFileSync(pidFile, String(process.pid));
if (env.OPENCODE_SKIP_START !== "true") console.log("starting an opencode of its own");

// What it is asked for opencode, it asks opencode.
function opencode(response) {
  const word = Buffer.from(`opencode:${env.OPENCODE_SERVER_PASSWORD}`).toString("base64");
  const headers = env.OPENCODE_SERVER_PASSWORD ? { authorization: `Basic ${word}` } : {};
  const url = { host: "127.0.0.1", port: env.OPENCODE_PORT, path: "/global/health", headers };
  http.get(url, (answer) => { response.statusCode = answer.statusCode; answer.pipe(response); })
    .on("error", (error) => { response.statusCode = 502; response.end(error.code); });
}

http.createServer((request, response) => {
  if (request.url === "/health") return response.end('{"status":"ok"}');
  if (env.OPENCHAMBER_UI_PASSWORD && request.headers["x-password"] !== env.OPENCHAMBER_UI_PASSWORD) {
    response.statusCode = 401;
    return response.end();
  }
  opencode(response);
}).listen(port, host);
process.on("SIGTERM", () => process.exit(143));
