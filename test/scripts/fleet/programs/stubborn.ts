// A program that a supervisor of programs must cope with: `node stubborn.ts ignore-sigterm|obey|fail LINES`.
const [mode = '', lines = '0'] = process.argv.slice(2);
for (let line = 1; line <= Number(lines); line += 1) process.stderr.write(`line ${line}\n`);
if (mode === 'fail') {
  process.stderr.write('the disk is full\n');
  process.exitCode = 3;
} else {
  if (mode === 'ignore-sigterm') process.on('SIGTERM', () => process.stdout.write('not now\n'));
  // Ends with its parent, whatever happens to the test.
  process.stdin.on('end', () => process.exit(0)).resume();
  process.stdout.write(`ready ${process.env.GREETING ?? ''}\n`);
}
