/** Loaded into a daemon by NODE_OPTIONS: from SIGUSR2 on its event loop never turns again. */
process.on('SIGUSR2', () => {
  for (;;) {}
})
