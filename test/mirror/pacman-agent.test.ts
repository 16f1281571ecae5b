import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { MirrorHandler, MirrorRequest } from '../../src/mirror/curl.ts'
import type { FetchManyOptions } from '../../src/mirror/curl-batch.ts'
import { fetchAsPacman, openAsPacman, pacmanAgent } from '../../src/mirror/pacman-agent.ts'

test('what libalpm calls itself', () => {
  const said = ` .--.                  Pacman v7.0.0.r6.gc685ae6 - libalpm v15.0.0
/ _.-' .-.  .-.  .-.   Copyright (C) 2006-2024 Pacman Development Team
`
  const agent = 'pacman/7.0.0.r6.gc685ae6 (Linux x86_64) libalpm/15.0.0'
  assert.is(pacmanAgent(said, 'Linux x86_64'), agent)
  assert.is(pacmanAgent('', 'Linux x86_64'), undefined)
})

test('who has a name of its own keeps it; without pacman there is none', async () => {
  const seen: unknown[] = []
  const open = (request: Pick<MirrorRequest, 'environment'>) => {
    seen.push(request.environment)
    return {} as never
  }
  for (const agent of ['pacman/7', undefined]) {
    for (const environment of [{}, { HTTP_USER_AGENT: 'own', http_proxy: 'p' }]) {
      openAsPacman(agent, open)({ environment } as unknown as MirrorRequest, {} as MirrorHandler)
      await fetchAsPacman(agent, async (_, options) => open(options))([], {
        environment,
      } as unknown as FetchManyOptions)
    }
  }
  const own = { HTTP_USER_AGENT: 'own', http_proxy: 'p' }
  const named = { HTTP_USER_AGENT: 'pacman/7' }
  assert.equal(seen, [named, named, own, own, {}, {}, own, own])
})

test.run()
