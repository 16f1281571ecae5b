import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { html } from '../../../src/http/page/html.ts'

test('values are escaped, what is HTML already is not, and lists are joined', () => {
  const inner = html`<b>${'<i>"&\''}</b>`
  assert.is(inner.text, '<b>&#60;i&#62;&#34;&#38;&#39;</b>')
  assert.is(html`<p>${[inner, 'a<', 3]}</p>`.text, `<p>${inner.text}a&#60;3</p>`)
})

test('what would move the cursor or turn the line around is shown as a question mark', () => {
  assert.is(html`${'a\u202eb\x1b[2Jc\u2066'}`.text, 'a?b?[2Jc?')
})

test.run()
