import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Config, parseConfig } from '../../src/base/config.ts'
import { parseConfigFile } from '../../src/base/config-file.ts'

const FILE = 'etc/pacsrv.conf'
const text = readFileSync(new URL(`../../${FILE}`, import.meta.url), 'utf8')
/** A key is `#key` with no blank behind the `#`; prose has one. */
const uncommented = text.replace(/^#(?=[a-z])/gm, '')

/** `section key` of everything that the configuration knows. */
function keysOf({ file: _, ...sections }: Config): string[] {
  return Object.entries(sections).flatMap(([section, keys]) =>
    Object.keys(keys).map((key) => `${section} ${key}`),
  )
}

test('as installed, it changes no default', () => {
  assert.equal(parseConfig(text, FILE), parseConfig('', FILE))
})

test('every key that there is stands in it once, and no other', () => {
  const shown = parseConfigFile(uncommented, FILE).map(({ section, key }) => `${section} ${key}`)
  assert.equal(shown.sort(), keysOf(parseConfig('', FILE)).sort())
})

test('every line, uncommented, is a value that can be used', () => {
  assert.not.throws(() => parseConfig(uncommented, FILE))
})

test('a value shown as the default is the default', () => {
  const shown = parseConfig(uncommented, FILE)
  const defaults = parseConfig('', FILE)
  for (const section of ['daemon', 'network', 'server', 'client', 'direct', 'mirror'] as const) {
    for (const [key, fallback] of Object.entries(defaults[section])) {
      if (fallback === undefined || (Array.isArray(fallback) && fallback.length === 0)) continue
      assert.equal((shown[section] as Record<string, unknown>)[key], fallback, `[${section}] ${key}`)
    }
  }
})

test('every key has an explanation above it', () => {
  const blocks = text.split(/\n\s*\n/).filter((block) => /^#[a-z]/m.test(block))
  for (const block of blocks) assert.match(block, /^# \S/, block)
  assert.ok(blocks.length > 10)
})

test('no line is wider than an editor that shows 110 columns', () => {
  assert.equal(
    text.split('\n').filter((line) => line.length > 110),
    [],
  )
})

test.run()
