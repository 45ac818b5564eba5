// Calls of npm's mixpanel, @jitsu/js and @openpanel/sdk. HOST and WRITE_KEY say where to.
const Mixpanel = require('mixpanel')
const { jitsuAnalytics } = require('@jitsu/js')
const { OpenPanel } = require('@openpanel/sdk')

const { HOST, WRITE_KEY } = process.env

const told = (call) => new Promise((done, failed) => call((error) => (error && error[0] !== undefined) || error instanceof Error ? failed(error) : done()))

async function mixpanel() {
  const client = Mixpanel.init(WRITE_KEY, { host: new URL(HOST).host, protocol: 'http', key: WRITE_KEY })
  await told((done) => client.track('mixpanel_node_order', { distinct_id: 'node-ann', $insert_id: 'n1', number: 7, title: 'Zürich → 東京' }, done))
  await told((done) => client.track_batch([{ event: 'mixpanel_node_batch', properties: { distinct_id: 'node-ann', time: new Date() } }], {}, done))
  await told((done) => client.import('mixpanel_node_old', new Date(2023, 1, 1), { distinct_id: 'node-ann' }, done))
  await told((done) => client.people.set('node-ann', { $first_name: 'Ann', plan: 'garden' }, done))
  await told((done) => client.alias('node-ann-old', 'node-ann', done))
}

async function jitsu() {
  const client = jitsuAnalytics({ host: HOST, writeKey: `${WRITE_KEY}:any`, s2s: true })
  await client.identify('jitsu-ann', { plan: 'garden' })
  await client.track('jitsu_order', { number: 7, title: 'Zürich → 東京' })
  await client.page({ url: 'https://shop.example/home' })
  await client.group('acme', { seats: 3 })
}

async function openpanel() {
  const client = new OpenPanel({ clientId: WRITE_KEY, clientSecret: 'of no account', apiUrl: HOST })
  await client.identify({ profileId: 'panel-ann', firstName: 'Ann' })
  await client.track('openpanel_node_order', { number: 7, title: 'Zürich → 東京' })
  await client.revenue(2999, { currency: 'EUR', deviceId: 'panel-device' })
  await client.increment({ profileId: 'panel-ann', property: 'visits', value: 2 })
  await client.setGroup('acme')
}

Promise.all([mixpanel(), jitsu(), openpanel()]).catch((error) => {
  console.error(error)
  process.exit(1)
})
