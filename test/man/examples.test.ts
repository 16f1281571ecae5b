/** Every example of a configuration in the documents is one: what a reader copies works. */
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseConfig } from '../../src/base/config.ts'

const root = new URL('../../', import.meta.url)
const listed = (folder: string) => readdirSync(new URL(folder, root)).map((name) => `${folder}${name}`)
const documents = ['README.md', ...listed('man/'), ...listed('docs/')].filter((path) => /\.md$/.test(path))

/** The blocks of code that begin with a section, as they would stand in a file. */
function examplesIn(text: string): string[] {
  const fenced = [...text.matchAll(/^```.*\n([^`]*)^```$/gm)].map(([, code]) => code!)
  const indented = text.match(/(?:^ {4}.*\n(?:\n(?= {4}))?)+/gm) ?? []
  return [...fenced, ...indented]
    .map((code) => code.replace(/^ +/gm, ''))
    .filter((code) => /^\[\w+\]$/m.test(code.split('\n')[0]!))
}

/** Of pacman.conf. */
const OTHERS = /^\[(options|core|extra)\]$/m

const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

for (const path of documents) {
  for (const example of examplesIn(read(path)).filter((each) => !OTHERS.test(each))) {
    test(`${path}: ${example.replaceAll('\n', ' | ')}`, () => {
      parseConfig(example, path)
    })
  }
}

test('pacsrv(7) has an example for each place that pacsrv is used in', () => {
  const page = read('man/pacsrv.7.md')
  const part = page.slice(page.indexOf('## EXAMPLES'), page.indexOf('## TROUBLESHOOTING'))
  const named = [...part.matchAll(/^### (.+)$/gm)].map(([, name]) => name)
  assert.is(named.length, 8)
  assert.ok(examplesIn(part).length >= 9)
})

test.run()
