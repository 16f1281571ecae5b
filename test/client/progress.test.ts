/** The bar, by the front's own code: pacman's, at every width and size. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const client = join(import.meta.dirname, '../../src/client')
const MAIN = `#include "front.h"
#include <stdio.h>
void say(int fd, const char *before, const char *text, size_t length, const char *ending) {
  (void)fd; printf("%s%.*s%s", before, (int)length, text, ending);
}
int main(void) {
  static char name[512];
  struct progress p = { .name = name };
  unsigned columns;
  while (scanf("%u %lu %lu %ld %511s", &columns, &p.done, &p.size, &p.elapsed_ms, name) == 5) {
    progress_draw(&p, columns, "\\n");
  }
}
`
const SOME = 'some-1:2-1-any.pkg.tar.zst'
const LONG = `${'a-long-name-'.repeat(12)}1.0-1-x86_64.pkg.tar.zst`
/** Columns, name, bytes so far and in all, milliseconds; as pacman 6 and 7 draw it. */
const LINES: [number, string, number, number, number, string][] = [
  [80, SOME, 0, 5, 0, ' some-1:2-1-any          0.0   B  0.00   B/s --:-- [----------------------]   0%'],
  [40, SOME, 0, 5, 0, ' some-1:2-1-any           0.0   B   0%'],
  [80, SOME, 5, 5, 1, ' some-1:2-1-any          5.0   B  4.88 KiB/s 00:00 [######################] 100%'],
  [40, SOME, 5, 5, 1, ' some-1:2-1-any           5.0   B 100%'],
  [
    80,
    SOME,
    2048,
    2049,
    500,
    ' some-1:2-1-any       2048.0   B  4.00 KiB/s 00:00 [#####################-]  99%',
  ],
  [40, SOME, 2048, 2049, 500, ' some-1:2-1-any        2048.0   B  99%'],
  [
    80,
    SOME,
    137556,
    137556,
    123,
    ' some-1:2-1-any        134.3 KiB  1092 KiB/s 00:00 [######################] 100%',
  ],
  [40, SOME, 137556, 137556, 123, ' some-1:2-1-any         134.3 KiB 100%'],
  [
    80,
    SOME,
    700000,
    8000000,
    3000,
    ' some-1:2-1-any        683.6 KiB   228 KiB/s 00:31 [#---------------------]   8%',
  ],
  [40, SOME, 700000, 8000000, 3000, ' some-1:2-1-any         683.6 KiB   8%'],
  [
    80,
    SOME,
    8000000,
    8000000,
    61234,
    ' some-1:2-1-any          7.6 MiB   128 KiB/s 01:01 [######################] 100%',
  ],
  [40, SOME, 8000000, 8000000, 61234, ' some-1:2-1-any           7.6 MiB 100%'],
  [
    80,
    SOME,
    99900000,
    300000000,
    400,
    ' some-1:2-1-any         95.3 MiB   238 MiB/s 00:00 [#######---------------]  33%',
  ],
  [40, SOME, 99900000, 300000000, 400, ' some-1:2-1-any          95.3 MiB  33%'],
  [
    80,
    SOME,
    100000,
    300000000,
    900,
    ' some-1:2-1-any         97.7 KiB   109 KiB/s 44:59 [----------------------]   0%',
  ],
  [40, SOME, 100000, 300000000, 900, ' some-1:2-1-any          97.7 KiB   0%'],
  [
    80,
    SOME,
    3000000000,
    6000000000,
    7000,
    ' some-1:2-1-any          2.8 GiB   409 MiB/s 00:07 [###########-----------]  50%',
  ],
  [40, SOME, 3000000000, 6000000000, 7000, ' some-1:2-1-any           2.8 GiB  50%'],
  [80, SOME, 0, 0, 10, ' some-1:2-1-any          0.0   B  0.00   B/s 00:00 [######################] 100%'],
  [40, SOME, 0, 0, 10, ' some-1:2-1-any           0.0   B 100%'],
  [
    120,
    LONG,
    700000,
    8000000,
    3000,
    ' a-long-name-a-long-name-a-long-name-a-l...  683.6 KiB   228 KiB/s 00:31 [###-------------------------------------]   8%',
  ],
  [60, LONG, 700000, 8000000, 3000, ' a-long-name-a-lon...  683.6 KiB   228 KiB/s 00:31 [--]   8%'],
  [59, 'x', 700000, 8000000, 3000, ' x                                         683.6 KiB   8%'],
  [24, SOME, 700000, 8000000, 3000, ' some-  683.6 KiB   8%'],
  [20, 'some', 700000, 8000000, 3000, ' s  683.6 KiB   8%'],
  [1, 'some', 700000, 8000000, 3000, ' '],
  [
    80,
    'core.db',
    2048,
    4096,
    500,
    ' core                 2048.0   B  4.00 KiB/s 00:00 [###########-----------]  50%',
  ],
  [40, 'core.files', 2048, 4096, 500, ' core                  2048.0   B  50%'],
  [
    80,
    '.db',
    2048,
    4096,
    500,
    ' .db                  2048.0   B  4.00 KiB/s 00:00 [###########-----------]  50%',
  ],
]
const folder = mkdtempSync(join(tmpdir(), 'pacsrv-bar-'))
test.after(() => rmSync(folder, { recursive: true }))

type Case = [columns: number, name: string, done: number, size: number, elapsed: number, ...unknown[]]
async function draw(cases: Case[]): Promise<string[]> {
  const input = cases.map(([columns, name, ...numbers]) => [columns, ...numbers.slice(0, 3), name].join(' '))
  const { stdout } = await execa(join(folder, 'bar'), { input: input.join('\n'), stripFinalNewline: false })
  return stdout.split('\n').slice(0, -1)
}

test.before(async () => {
  writeFileSync(join(folder, 'main.c'), MAIN)
  const flags = ['-std=c11', '-D_GNU_SOURCE', '-fsanitize=address,undefined', `-I${client}`]
  const sources = [join(folder, 'main.c'), join(client, 'progress.c')]
  await execa('cc', [...flags, '-o', join(folder, 'bar'), ...sources])
})

test("the bar is pacman's own", async () => {
  assert.equal(
    await draw(LINES),
    LINES.map(([, , , , , line]) => line),
  )
})

test('no line is wider than the terminal, whatever it shows', async () => {
  const cases: Case[] = ['x.pkg.tar', SOME, 'n'.repeat(300), '.pkg.tar'].flatMap((name) =>
    [0, 1, 50_000_000, 100_000_000].flatMap((done) =>
      [0, 1, 1e9].flatMap((elapsed) =>
        [...Array(200).keys(), 999, 1_000, 5_000].map(
          (columns): Case => [columns, name, done, 100_000_000, elapsed],
        ),
      ),
    ),
  )
  for (const [n, line] of (await draw(cases)).entries()) {
    assert.ok(line.length <= cases[n]![0], `${cases[n]![0]}: ${line}`)
    assert.not.match(line, /nan|inf/i)
  }
})

test.run()
