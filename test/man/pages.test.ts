import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { manualPages } from '../../man/pages.ts'
import { parseConfig } from '../../src/base/config.ts'
import { commandOptions, commands, commonOptions, help } from '../../src/cli/commands.ts'

const pages = manualPages({ version: '1.2.3', date: '2026-11-24' })
const source = (name: string) => pages.find((page) => page.name === name)!.roff

/** A page's roff without fonts and escapes. */
const plain = (name: string) => source(name).replace(/\\f./g, '').replaceAll('\\-', '-')

/** A page as a reader sees it, one space between words. */
function read(name: string): string {
  const { stdout, stderr, status } = spawnSync('groff', ['-man', '-Tascii', '-P-cbou', '-ww', '-rLL=200n'], {
    input: source(name),
    encoding: 'utf8',
  })
  assert.equal([status, stderr], [0, ''])
  return stdout.replace(/\s+/g, ' ')
}

const has = (command: string, ...version: string[]) => spawnSync(command, version).error === undefined
const groff = has('groff', '--version')
const mandoc = has('mandoc', '-h')
if (!groff) console.log('skipped: what the manual pages show: no groff here')
if (!mandoc) console.log('skipped: mandoc finds no fault in the manual pages: no mandoc here')
const withGroff = groff ? test : test.skip
const withMandoc = mandoc ? test : test.skip

test('there are three pages', () => {
  const names = pages.map(({ name, section }) => `${name}(${section})`)
  assert.equal(names.sort(), ['pacsrv(7)', 'pacsrv-xfer(1)', 'pacsrv.conf(5)'])
})

withGroff('groff finds no fault in them', () => {
  for (const { name } of pages) assert.match(read(name), /pacsrv 1\.2\.3 2026-11-24/)
})

withMandoc('mandoc finds no fault in them', () => {
  for (const { name, roff } of pages) {
    const { stdout } = spawnSync('mandoc', ['-Tlint'], { input: roff, encoding: 'utf8' })
    assert.is(stdout, '', name)
  }
})

withGroff('each command and option is explained as the table has it', () => {
  const shown = read('pacsrv-xfer')
  for (const [name, { operands, options, summary }] of Object.entries<{
    operands: string[]
    options: string[]
    summary: string
  }>(commands)) {
    const words = [name, ...operands].join(' ')
    assert.match(shown, new RegExp(`${words}.{0,40}${summary.slice(1)}\\.`), name)
    for (const option of options) assert.ok(help().includes(`[--${option}`), option)
  }
  for (const [name, { summary }] of Object.entries({ ...commonOptions, ...commandOptions })) {
    assert.ok(shown.includes(`--${name}`), name)
    assert.ok(shown.includes(summary.slice(1)), summary)
  }
})

test('--help has each command and option, on a line that fits a terminal of 100 columns', () => {
  const lines = help().split('\n')
  for (const [name, { summary }] of Object.entries(commands)) {
    assert.ok(
      lines.some((line) => line.startsWith(`  ${name}`) && line.endsWith(summary)),
      name,
    )
  }
  for (const [name, { summary }] of Object.entries({ ...commonOptions, ...commandOptions })) {
    assert.ok(
      lines.some((line) => line.includes(`--${name}`) && line.endsWith(summary)),
      name,
    )
  }
  assert.equal(
    lines.filter((line) => line.length > 100),
    [],
  )
})

/** A default as it would be written in the file. */
function written(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'object' && value !== null && 'level' in value) return String(value.level)
  return String(value)
}

test('every key of the configuration is there with its default, in its section', () => {
  const { file: _, ...sections } = parseConfig('', 'pacsrv.conf')
  const shown = plain('pacsrv.conf').split('\n.SH "')
  for (const [section, keys] of Object.entries(sections)) {
    const text = shown.find((part) => part.startsWith(`[${section}]"`))
    assert.ok(text, section)
    for (const [key, value] of Object.entries(keys)) {
      const none = value === undefined || (Array.isArray(value) && value.length === 0)
      const expected = none ? `${key} = ` : `${key} = ${written(value)} (default)\n`
      assert.ok(text.includes(`\n${expected}`), `[${section}] ${expected}`)
    }
  }
})

test('what the pages tell of the units and hooks is there', () => {
  const all = pages.map(({ name }) => plain(name)).join('\n')
  const shipped = (name: string) =>
    new URL(`../../${/hook$/.test(name) ? 'hooks' : 'systemd'}/${name}`, import.meta.url)
  const named = new Set(all.match(/[\w-]+\.(?:service|socket|hook)\b/g))
  assert.ok(named.size >= 4)
  for (const name of named) assert.ok(readFileSync(shipped(name)).length > 0, name)
})

test.run()
