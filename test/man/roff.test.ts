import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { page } from '../../man/roff.ts'
import { PacsrvError } from '../../src/base/error.ts'

/** What a text becomes, behind the head of the page. */
function roff(text: string): string[] {
  const { roff } = page(`# x(1): y\n\n${text}`, { date: '2026-11-24', source: 's' })
  return roff.trimEnd().split('\n').slice(5)
}

test('the first line is the title', () => {
  const { name, section, roff } = page('# a-b(5): what it is', { date: '2026-11-24', source: 'p 1' })
  assert.equal([name, section], ['a-b', '5'])
  assert.match(roff, /^\.TH "A-B" "5" "2026-11-24" "p 1" "pacsrv manual"\n/)
  assert.match(roff, /\na-b \\- what it is\n$/)
})

test('a text without it is no page', () => {
  assert.throws(
    () => page('## NAME', { date: '', source: '' }),
    (error: unknown) => error instanceof PacsrvError && error.code === 'usage',
  )
})

test('headings, paragraphs, and no paragraph mark behind a heading', () => {
  assert.equal(roff('## A\n\nb\nc\n\nd\n\n### E'), ['.SH "A"', 'b c', '.PP', 'd', '.SS "E"'])
})

test('each sentence begins a line; none is long', () => {
  assert.equal(roff('## A\n\nOne, 1.5 of it. Two.'), ['.SH "A"', 'One, 1.5 of it.', 'Two.'])
  for (const line of roff(`## A\n\n${'word '.repeat(60)}`)) assert.ok(line.length <= 80, line)
})

test('literal and replaceable words, with hyphens that can be copied', () => {
  assert.equal(
    roff('## A\n\n**--a** *B-C* `d` well-known')[1],
    '\\fB\\-\\-a\\fR \\fIB\\-C\\fR \\fBd\\fR well-known',
  )
})

test('code stands as it is, dots, quotes and backslashes included', () => {
  assert.equal(roff("## A\n\n    .x 'y' \\n\n    ~z"), [
    '.SH "A"',
    '.RS 4',
    '.nf',
    '\\&.x \\(aqy\\(aq \\en',
    '\\(tiz',
    '.fi',
    '.RE',
  ])
})

test('terms, several to a text, with further paragraphs', () => {
  assert.equal(roff('## A\n\na\nb\n: c\nd\n\n  e'), ['.SH "A"', '.TP', 'a', '.TQ', 'b', 'c d', '.IP', 'e'])
})

test('code within the text of a term', () => {
  assert.equal(roff('## A\n\na\n: b\n    c -d\n    e\nf'), [
    '.SH "A"',
    '.TP',
    'a',
    'b',
    '.nf',
    '    c \\-d',
    '    e',
    '.fi',
    'f',
  ])
})

test('a list', () => {
  assert.equal(roff('## A\n\n- a\nb\n- c'), ['.SH "A"', '.IP \\(bu 2', 'a b', '.IP \\(bu 2', 'c'])
})

test('a line that would be a request is text', () => {
  assert.equal(roff('## A\n\n.so /etc/passwd')[1], '\\&.so /etc/passwd')
})

test.run()
