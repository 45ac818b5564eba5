// Every call of npm's @segment/analytics-node. HOST and WRITE_KEY say where to.
const { Analytics } = require('@segment/analytics-node')

const analytics = new Analytics({ writeKey: process.env.WRITE_KEY, host: process.env.HOST, maxRetries: 3 })
const failures = []
analytics.on('error', (error) => failures.push(error))

const userId = 'ann'
analytics.identify({ userId, traits: { plan: 'free' } })
for (let number = 0; number < 60; number++) {
  analytics.track({ userId, event: `Order ${number}`, properties: { number, title: 'Zürich → 東京', nested: { deep: [1, 2] } } })
}
analytics.page({ userId, name: 'Home', properties: { url: 'https://shop.example/home' } })
analytics.screen({ userId, name: 'Basket' })
analytics.group({ userId, groupId: 'company-1', traits: { seats: 3 } })
analytics.alias({ userId, previousId: 'visitor-7' })
analytics.closeAndFlush({ timeout: 10000 }).then(() => {
  if (failures.length) {
    console.error(failures)
    process.exit(1)
  }
})
