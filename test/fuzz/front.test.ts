/** A share of what front.sh does at length: mutated answers and configurations for the native front, under ASan and UBSan. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const INPUTS = 200_000
const SEED = 11
const source = join(import.meta.dirname, '../../src/client')
const cases = join(import.meta.dirname, 'cases/front')
const FLAGS = ['-std=c11', '-D_GNU_SOURCE', '-g', '-O1', '-fsanitize=address,undefined']

test(`${INPUTS} mutated inputs for the front's parsers`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pacsrv-front-fuzz-'))
  try {
    const program = join(folder, 'replay')
    const own = ['front.c', 'front-replay.c'].map((name) => join(import.meta.dirname, name))
    const tested = ['answer.c', 'conf.c'].map((name) => join(source, name))
    await execa('cc', [...FLAGS, '-fno-sanitize-recover=all', '-o', program, ...own, ...tested])
    const files = readdirSync(cases).map((name) => join(cases, name))
    const { stdout } = await execa(program, [String(INPUTS), String(SEED), ...files])
    assert.is(stdout, `${INPUTS} inputs`)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test.run()
