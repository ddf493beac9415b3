// guacamole-lite as its README starts it: PORT, guacd's port, and a key for its tokens. Prints a token.
const [port, guacdPort, key] = process.argv.slice(2);
const GuacamoleLite = require("guacamole-lite");
const Crypt = require("guacamole-lite/lib/Crypt.js");

const crypt = { cypher: "AES-256-CBC", key };
const connection = { type: "ssh", settings: { hostname: "127.0.0.1", username: "user" } };
console.log(new Crypt(crypt.cypher, crypt.key).encrypt({ connection }));
new GuacamoleLite({ host: "127.0.0.1", port: Number(port) }, { port: Number(guacdPort) }, { crypt, log: { level: "QUIET" } });
