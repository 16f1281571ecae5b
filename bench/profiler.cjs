// Loaded into a daemon by profile.ts: SIGUSR2 begins a profile of this thread, the next one writes it.
const { isMainThread } = require('node:worker_threads')
const { Session } = require('node:inspector')
const { writeFileSync } = require('node:fs')

if (isMainThread && process.argv.includes('daemon')) {
  const session = new Session()
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.setSamplingInterval', { interval: 500 })
  let running = false
  process.on('SIGUSR2', () => {
    running = !running
    if (running) return session.post('Profiler.start')
    session.post('Profiler.stop', (error, answer) => {
      if (error) throw error
      writeFileSync(`${process.env.PACSRV_PROFILE}/${process.pid}.cpuprofile`, JSON.stringify(answer.profile))
    })
  })
}
