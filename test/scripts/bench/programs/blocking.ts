// Blocks its event loop for 100 ms again and again, until its standard input ends.
const BLOCK_MS = 100;

setInterval(() => {
  const endMs = performance.now() + BLOCK_MS;
  while (performance.now() < endMs);
}, 150);
process.stdout.write('"started"\n');
process.stdin.on('end', () => process.exit(0)).resume();
