/** The front's bar is the daemon's, at every width and size. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { progressLine } from '../../src/base/progress.ts'

const client = join(import.meta.dirname, '../../src/client')
const MAIN = `#include "front.h"
#include <stdio.h>
int main(void) {
  static char name[256], line[COLUMNS_MOST];
  struct progress p = { .name = name };
  unsigned columns;
  while (scanf("%u %lu %lu %ld %255s", &columns, &p.done, &p.size, &p.elapsed_ms, name) == 5) {
    progress_line(line, &p, columns);
    puts(line);
  }
}
`

test("the front's bar is the daemon's, at every width and size", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pacsrv-bar-'))
  try {
    writeFileSync(join(folder, 'main.c'), MAIN)
    const program = join(folder, 'bar')
    const flags = ['-std=c11', '-D_GNU_SOURCE', '-fsanitize=address,undefined', `-I${client}`]
    await execa('cc', [...flags, '-o', program, join(folder, 'main.c'), join(client, 'progress.c')])
    const names = ['x', 'some-1:2-1-any.pkg.tar.zst', `${'a-long-name-'.repeat(12)}1.0-1-x86_64.pkg.tar.zst`]
    const states = [
      [0, 5, 0],
      [5, 5, 1],
      [2_048, 2_049, 500],
      [137_556, 137_556, 123],
      [700_000, 8_000_000, 3_000],
      [8_000_000, 8_000_000, 61_234],
      [99_900_000, 300_000_000, 400],
      [100_000, 300_000_000, 900],
      [3_000_000_000, 6_000_000_000, 7_000],
      [0, 0, 10],
    ] as const
    const cases = [1, 18, 20, 24, 40, 59, 60, 80, 84, 120, 200, 999].flatMap((columns) =>
      names.flatMap((name) =>
        states.map(([done, size, elapsed]) => ({ columns, name, done, size, elapsed })),
      ),
    )
    const input = cases.map(({ columns, name, done, size, elapsed }) =>
      [columns, done, size, elapsed, name].join(' '),
    )
    const { stdout } = await execa(program, { input: input.join('\n'), stripFinalNewline: false })
    const lines = stdout.split('\n').slice(0, -1)
    assert.equal(
      lines,
      cases.map(({ columns, ...one }) => progressLine(one, columns)),
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test.run()
