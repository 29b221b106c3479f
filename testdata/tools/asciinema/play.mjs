// Plays an asciicast to its end with the stock web player, asciinema-player from
// npm, without a browser: node play.mjs DIRECTORY-WITH-node_modules FILE.cast. It
// prints what the player shows, resizes and marks, a JSON array a line.
import fs from 'node:fs';
import path from 'node:path';

const dist = path.resolve(process.argv[2], 'node_modules/asciinema-player/dist');
const core = fs.readdirSync(dist).find((f) => /^core-.*\.js$/.test(f));
const { C: Core } = await import(path.join(dist, core));
const quiet = () => {};
const logger = { log: quiet, debug: quiet, info: quiet, warn: console.error, error: console.error };
globalThis.requestAnimationFrame ??= (f) => setTimeout(f, 1);
globalThis.window ??= globalThis;

const player = new Core({ data: fs.readFileSync(process.argv[3], 'utf8') }, { logger, speed: 1000 });
const say = (...what) => process.stdout.write(JSON.stringify(what) + '\n');
player.addEventListener('output', (e) => say('o', e.data ?? e));
player.addEventListener('input', (e) => say('i', e.data ?? e));
player.addEventListener('resize', (e) => say('r', e.cols, e.rows));
player.addEventListener('marker', (e) => say('m', e.label));
const over = new Promise((done, fail) => {
  player.addEventListener('ended', done);
  player.addEventListener('error', fail);
});
player.terminalReady();
await player.init();
await player.play();
await over;
say('duration', await player.getDuration());
process.exit(0);
